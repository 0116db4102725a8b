/**
 * `mcp plan` — what a deploy would do, without doing it.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { optional } from "@optique/core/modifiers";
import { errorChain, McpError } from "../../lib/errors.ts";
import { specToWire } from "../../lib/wire/specs.ts";
import type { PlanDeployResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type Answer, askEach } from "../agents/fan_out.ts";
import {
  definitionOption,
  nodeOption,
  recreateFlag,
  switchFlag,
  targetArgument,
  timeoutOption,
} from "../command_line/arguments.ts";
import type { Command, CommandContext, Report } from "../command.ts";
import type { FiledDefinition } from "../definitions/definitions.ts";
import type { SecretValue } from "../definitions/secret_values.ts";
import { requireActive, requireComponent } from "../definitions/target.ts";
import { requireNode } from "../settings/nodes.ts";
import { exitCodeOfAnswers, nextLines, nodesJson } from "../output/answers.ts";
import { exitCodes } from "../output/exit_code.ts";
import { failureJson } from "../output/failure.ts";
import type { JsonObject } from "../output/json.ts";
import { hasChanges, planJson, planLines, planSummary } from "../output/plan.ts";
import type { Line } from "../output/screen_text.ts";
import { askPlan, deployCommand, planReport, planTimeoutMs } from "./rollout.ts";

const parser = object({
  target: optional(targetArgument()),
  file: definitionOption("Definition to plan instead of the one in the services folder"),
  node: nodeOption("Only what is defined for this node; without a service"),
  recreate: recreateFlag(),
  exitCode: switchFlag("--exit-code", "Exit with 9 when there is something to do"),
  timeoutMs: timeoutOption(planTimeoutMs),
});

type PlanInput = InferValue<typeof parser>;

export const plan: Command<PlanInput> = {
  path: ["plan"],
  summary: "Show what a deploy would do, without doing it",
  description:
    "Per component: whether it is created, replaced, kept or removed, each field that differs, and whether it does not serve for a while, why, and how long that took last time. Without a service: all definitions of the services folder, on all nodes at once. A plan has an id: mcp deploy --plan ID does exactly that, or refuses because the node has moved.",
  examples: [
    { line: "mcp plan metacrypt", effect: "one service" },
    { line: "mcp plan metacrypt/web -f ./metacrypt.toml", effect: "one component, from a file" },
    { line: "mcp plan", effect: "every definition, on all nodes" },
    { line: "mcp plan --exit-code", effect: "for scripts: exits with 9 where there are changes" },
  ],
  parser,

  async run(context, { target, file, node: only, recreate, exitCode, timeoutMs }) {
    if (target === undefined) {
      if (file !== undefined) throw needsService("-f");
      return await planAll(context, { only, recreate, exitCode, timeoutMs });
    }
    if (only !== undefined) {
      throw new McpError("invalid", "Cannot use --node with a service: its definition names it");
    }
    const { service, component } = target;
    const definition = await context.definitions.locate(service, { file, timeoutMs });
    const { node, spec } = definition;
    requireActive(spec);
    if (component !== undefined) requireComponent(spec, component, "plan");
    const subject = component === undefined ? service : `${service}/${component}`;
    const order = {
      node,
      service,
      component,
      spec: specToWire(spec),
      revision: 0,
      recreate,
      secrets: await context.definitions.secretValues(definition, component),
      command: deployCommand(subject, { file, recreate }),
    };
    return planReport(order, await askPlan(context, order, timeoutMs), { exitCode });
  },
};

/** A definition, and what deploying it would do, or why nobody can say. */
interface Planned {
  readonly service: string;
  readonly plan: PlanDeployResponse | undefined;
  /** Undefined with neither: it is inactive. */
  readonly error: McpError | undefined;
}

async function planAll(
  context: CommandContext,
  { only, recreate, exitCode, timeoutMs }: Omit<PlanInput, "target" | "file" | "node"> & {
    readonly only: string | undefined;
  },
): Promise<Report> {
  const known = await context.nodes();
  const definitions = await context.definitions.all();
  const nodes = (only === undefined ? known : [requireNode(known, only)])
    .filter(({ name }) => definitions.some(({ node }) => node.name === name));
  const secrets = await readSecrets(
    context,
    definitions.filter(({ node, spec }) =>
      spec.active && nodes.some(({ name }) => name === node.name)
    ),
  );
  const answers = await askEach(
    context,
    nodes,
    (node) => async (agent, call) => {
      const own = definitions.filter((definition) => definition.node.name === node.name);
      return await Promise.all(
        own.map((definition) =>
          planned(
            definition,
            async () =>
              await agent.planDeploy({
                service: specToWire(definition.spec),
                recreate,
                secrets: [...await secrets.get(definition) ?? []],
              }, call),
          )
        ),
      );
    },
    { timeoutMs },
  );
  const plans = answers.flatMap((answer) => "value" in answer ? answer.value : []);
  const failed = plans.some(({ error }) => error !== undefined);
  const changes = plans.some(({ plan }) => plan !== undefined && hasChanges(plan));
  const reached = exitCodeOfAnswers(answers);
  const components = plans.flatMap(({ plan }) => plan?.components ?? []);
  return {
    screen: [
      ...answers.flatMap((answer) => blocksOf(answer, { recreate })),
      nodes.length === 0 ? [["There is no definition to plan"]] : [[{
        text: `${plans.length === 1 ? "1 service" : `${plans.length} services`}: ${
          planSummary(components)
        }`,
        tone: "strong",
      }]],
      nextLines(answers),
    ],
    json: {
      summary: planSummary(components),
      nodes: nodesJson(answers, (value) => ({ services: value.map(plannedJson) })),
    },
    exitCode: reached !== exitCodes.done
      ? reached
      : failed
      ? exitCodes.failed
      : exitCode && changes
      ? exitCodes.different
      : exitCodes.done,
  };
}

/** One after the other, as each may ask the operator something; a failure is that of its service. */
async function readSecrets(
  { definitions }: Pick<CommandContext, "definitions">,
  wanted: readonly FiledDefinition[],
): Promise<ReadonlyMap<FiledDefinition, Promise<SecretValue[]>>> {
  const read = new Map<FiledDefinition, Promise<SecretValue[]>>();
  for (const definition of wanted) {
    const values = definitions.secretValues(definition, undefined);
    read.set(definition, values);
    await values.catch(() => {});
  }
  return read;
}

/** A node that cannot be reached fails whole; what it refuses is about one service. */
async function planned(
  { spec }: FiledDefinition,
  ask: () => Promise<PlanDeployResponse>,
): Promise<Planned> {
  const service = spec.name;
  if (!spec.active) return { service, plan: undefined, error: undefined };
  try {
    return { service, plan: await ask(), error: undefined };
  } catch (error) {
    const isOfService = error instanceof McpError &&
      !["unavailable", "unauthenticated", "unimplemented"].includes(error.kind);
    if (!isOfService) throw error;
    return { service, plan: undefined, error };
  }
}

function blocksOf(
  answer: Answer<readonly Planned[]>,
  { recreate }: { readonly recreate: boolean },
): Line[][] {
  const { node } = answer;
  if ("error" in answer) {
    return [[[`${node.name}  `, { text: errorChain(answer.error), tone: "bad" }]]];
  }
  return answer.value.map(({ service, plan, error }) => {
    if (error !== undefined) {
      return [[`${service} on ${node.name}: `, { text: errorChain(error), tone: "bad" }]];
    }
    if (plan === undefined) {
      return [[{ text: `${service} on ${node.name}: inactive, and left alone`, tone: "faint" }]];
    }
    const command = `${
      deployCommand(service, { file: undefined, recreate })
    } --plan ${plan.planId}`;
    return [
      ...planLines(service, node.name, plan),
      ...(hasChanges(plan) ? [[`  Run \`${command}\``]] : []),
    ];
  });
}

function plannedJson({ service, plan, error }: Planned): JsonObject {
  return {
    service,
    active: plan !== undefined || error !== undefined,
    error: error === undefined ? null : failureJson(error),
    ...(plan === undefined ? {} : planJson(plan)),
  };
}

function needsService(option: string): McpError {
  return new McpError("invalid", `Cannot use ${option} without a service`, {
    hint: "Run `mcp plan SERVICE -f FILE`",
  });
}
