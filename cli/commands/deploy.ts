/**
 * `mcp deploy` — puts a service, or one component of it, into service.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { McpError } from "../../lib/errors.ts";
import { specToWire } from "../../lib/wire/specs.ts";
import {
  definitionOption,
  dryRunFlag,
  recreateFlag,
  switchFlag,
  targetArgument,
  textOption,
  timeoutOption,
  yesFlag,
} from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { requireActive, requireComponent } from "../definitions/target.ts";
import { attach, deployCommand, rollOut, rolloutTimeoutMs } from "./rollout.ts";

export const deploy = command({
  path: ["deploy"],
  summary: "Put a service, or one component of it, into service",
  description:
    "Takes the definition from -f FILE, else from the services folder, else the spec of the last successful deploy from the node that has one. On a terminal it shows the plan and asks; a script is never asked. What is as it should be already is left alone. Each component ends in one verdict; when one fails, the previous container is put back. Ctrl-C detaches: the node carries on. With --json there is one object per step and line, the last one being the result.",
  examples: [
    { line: "mcp deploy metacrypt", effect: "all components, after a look at the plan" },
    { line: "mcp deploy metacrypt/web", effect: "one component, the others are left alone" },
    { line: "mcp deploy metacrypt -f ./metacrypt.toml --yes", effect: "from a file elsewhere" },
    {
      line: "mcp deploy metacrypt --plan 3f9c2a71",
      effect: "exactly what was planned, or nothing",
    },
    { line: "mcp deploy metacrypt --attach", effect: "come back to a deploy that goes on" },
  ],
  parser: object({
    target: targetArgument(),
    file: definitionOption("Definition to deploy instead of the one in the services folder"),
    plan: optional(
      textOption(
        "--plan",
        "ID",
        "Do exactly what this plan says, or refuse because the node has moved",
      ),
    ),
    dryRun: dryRunFlag("Show the plan and change nothing, as mcp plan"),
    yes: yesFlag(),
    recreate: recreateFlag(),
    attach: switchFlag("--attach", "Watch the latest rollout instead of beginning one"),
    timeoutMs: timeoutOption(rolloutTimeoutMs),
  }),

  async run(context, { target, file, plan, dryRun, yes, recreate, timeoutMs, ...input }) {
    const { service, component } = target;
    if (input.attach) {
      if (plan !== undefined || file !== undefined || dryRun || recreate) {
        throw new McpError("invalid", "Cannot use --attach with what would begin another deploy", {
          hint: `Run \`mcp deploy ${service} --attach\``,
        });
      }
      const { node } = await context.definitions.homeOf(service, { timeoutMs });
      return attach(context, {
        node,
        service,
        component: undefined,
        spec: { name: service },
        revision: 0,
        recreate: false,
        names: [],
        question: "",
        command: `mcp deploy ${service}`,
        from: "",
        json: {},
      }, timeoutMs);
    }
    const definition = await context.definitions.locate(service, { file, timeoutMs });
    const { node, spec, origin } = definition;
    requireActive(spec);
    if (component !== undefined) requireComponent(spec, component, "deploy");
    const subject = component === undefined ? service : `${service}/${component}`;
    return await rollOut(context, {
      node,
      service,
      component,
      spec: specToWire(spec),
      revision: 0,
      recreate,
      secrets: await context.definitions.secretValues(definition, component),
      names: component === undefined ? spec.components.map(({ name }) => name) : [component],
      question: `Deploy ${subject} on ${node.name}?`,
      command: deployCommand(subject, { file, recreate }),
      from: `from ${origin.kind === "file" ? origin.file : `the copy of node "${node.name}"`}`,
      json: { origin: origin.kind, file: origin.kind === "file" ? origin.file : null },
    }, { planId: plan, dryRun, yes, timeoutMs });
  },
});
