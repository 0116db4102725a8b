/**
 * `mcp deploy` — puts a service, or one component of it, into service.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { nearest } from "../../lib/domain/nearest.ts";
import type { DeployTarget } from "../../lib/domain/names.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import { McpError } from "../../lib/errors.ts";
import { specToWire } from "../../lib/wire/specs.ts";
import { definitionPath, targetArgument, timeoutOption } from "../arguments.ts";
import type { Command } from "../command.ts";
import { Interrupted } from "../interrupted.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";

/** Images are pulled within this time as well. */
const defaultTimeoutMs = 15 * 60_000;

/** `mcp deploy` */
export const deploy: Command<{
  readonly target: DeployTarget;
  readonly file: string | undefined;
  readonly timeoutMs: number;
}> = {
  path: ["deploy"],
  summary: "Put a service, or one component of it, into service",
  description:
    "Takes the definition from -f FILE, else from the services folder, else the spec of the last successful deploy from the node that has one.",
  examples: [
    { line: "mcp deploy metacrypt", effect: "all components" },
    { line: "mcp deploy metacrypt/web", effect: "one component, the others are left alone" },
    { line: "mcp deploy metacrypt -f ./metacrypt.toml", effect: "from a file elsewhere" },
  ],
  parser: object({
    target: targetArgument(),
    file: optional(option("-f", "--file", definitionPath(), {
      description: message`Definition to deploy instead of the one in the services folder`,
    })),
    timeoutMs: timeoutOption(defaultTimeoutMs),
  }),

  async run({ definitions, agents, progress, interrupted }, { target, file, timeoutMs }) {
    const { service, component } = target;
    const { node, spec, origin } = await definitions.locate(service, { file, timeoutMs });
    requireActive(spec);
    if (component !== undefined) requireComponent(spec, component);

    const names = component === undefined ? spec.components.map(({ name }) => name) : [component];
    const request = { service: specToWire(spec), component: component ?? "" };
    const { results, revision } = await progress.during(
      () => names.map((name) => `Deploying ${service}/${name} on ${node.name}`),
      agents.ask(node, (agent, call) => agent.deploy(request, call), { timeoutMs }),
    ).catch((error: unknown) => {
      throw interrupted.aborted ? stoppedWaiting(service, node.name) : error;
    });

    const from = origin.kind === "file" ? origin.file : `the copy of node "${node.name}"`;
    return {
      screen: [
        resultLines(service, results),
        [[`Revision ${revision} of ${service} on ${node.name}, from ${from}`]],
      ],
      json: {
        service,
        component: component ?? null,
        node: node.name,
        origin: origin.kind,
        file: origin.kind === "file" ? origin.file : null,
        revision,
        results: results.map(resultJson),
      },
      exitCode: exitCodeOfResults(results),
    };
  },
};

function requireActive({ name, active }: ServiceSpec): void {
  if (active) return;
  throw new McpError("conflict", `Cannot deploy "${name}": it is inactive`, {
    hint: `Run \`mcp start ${name}\` or set \`active = true\` in its definition`,
  });
}

function requireComponent({ name, components }: ServiceSpec, component: string): void {
  const known = components.map((each) => each.name);
  if (known.includes(component)) return;
  const close = nearest(component, known);
  throw new McpError("not_found", `Service "${name}" has no component "${component}"`, {
    hint: close === undefined
      ? `Its components are ${known.join(", ")}`
      : `Did you mean \`mcp deploy ${name}/${close}\`? Its components are ${known.join(", ")}`,
  });
}

function stoppedWaiting(service: string, nodeName: string): Interrupted {
  return new Interrupted(`Stopped waiting; node "${nodeName}" carries on with the deploy`, {
    hint: `\`mcp status ${service}\` shows how it ended`,
  });
}
