/**
 * Planning, asking, and rolling out: what `mcp deploy` and `mcp rollback` have in common.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatDuration } from "../../lib/domain/duration.ts";
import { McpError } from "../../lib/errors.ts";
import type {
  ComponentResult,
  PlanDeployResponse,
  RollOutResponse,
  ServiceSpecSchema,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type WatchedRollOut, watchRollOut } from "../agents/roll_out.ts";
import type { CommandContext, Piece, Report, Stream } from "../command.ts";
import type { Node } from "../settings/config.ts";
import { confirm, isInteractive } from "../terminal/confirm.ts";
import type { SecretValue } from "../definitions/secret_values.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import { exitCodes } from "../output/exit_code.ts";
import type { JsonObject } from "../output/json.ts";
import { hasChanges, planJson, planLines } from "../output/plan.ts";
import { exitCodeOfResults, resultJson, resultLines } from "../output/results.ts";
import { RolloutPicture, stepJson, stepLine } from "../output/rollout.ts";
import type { Line } from "../output/screen_text.ts";

/** Images are pulled within this time as well. */
export const rolloutTimeoutMs = 15 * 60_000;

/** How long a node is given to look at its images and containers, and at what a registry has. */
export const planTimeoutMs = 2 * 60_000;

/** What is to be rolled out, and how it is called. */
interface RolloutOrder {
  readonly node: Node;
  readonly service: string;
  /** Undefined = all. */
  readonly component: string | undefined;
  /** Of a rollback only its name is read. */
  readonly spec: MessageInitShape<typeof ServiceSpecSchema>;
  /** To go back to; 0 = deploy the spec. */
  readonly revision: number;
  readonly recreate: boolean;
  /** Of the components' secrets; each that is left out is taken as it is on the node. */
  readonly secrets?: readonly SecretValue[];
  /** The components that are known to be part of it. */
  readonly names: readonly string[];
  /** What the operator is asked, e.g. "Deploy metacrypt on rift?". */
  readonly question: string;
  /** The command that does the same, e.g. "mcp deploy metacrypt". */
  readonly command: string;
  /** Where the spec is from, for people, e.g. "from metacrypt.toml"; empty = nobody asks. */
  readonly from: string;
  /** The same for scripts. */
  readonly json: JsonObject;
}

/** How it is gone about. */
interface Manner {
  /** Only what was planned by this id; undefined = whatever it is. */
  readonly planId: string | undefined;
  readonly dryRun: boolean;
  /** Without asking. */
  readonly yes: boolean;
  readonly timeoutMs: number;
}

type Context = Pick<
  CommandContext,
  "agents" | "clock" | "env" | "interrupted" | "progress" | "terminal"
>;

/** The command that deploys the same, for an operator to run. */
export function deployCommand(
  subject: string,
  { file, recreate }: { readonly file: string | undefined; readonly recreate: boolean },
): string {
  return [
    `mcp deploy ${subject}`,
    ...(file === undefined ? [] : [`-f ${file}`]),
    ...(recreate ? ["--recreate"] : []),
  ].join(" ");
}

/** Shows the plan and asks where there is somebody to ask, then rolls out. */
export async function rollOut(
  context: Context,
  order: RolloutOrder,
  { planId, dryRun, yes, timeoutMs }: Manner,
): Promise<Report | Stream> {
  if (dryRun) {
    const plan = await askPlan(context, order, Math.min(timeoutMs, planTimeoutMs));
    return planReport(order, plan, { exitCode: false });
  }
  // Who names a plan has seen it.
  const agreed = planId !== undefined || yes || !isInteractive(context.terminal)
    ? planId
    : await agree(context, order, Math.min(timeoutMs, planTimeoutMs));
  const request = {
    service: order.spec,
    component: order.component ?? "",
    revision: order.revision,
    secrets: [...order.secrets ?? []],
    planId: agreed ?? "",
    recreate: order.recreate,
  };
  return watch(context, order, {
    request,
    operationId: crypto.randomUUID(),
    timeoutMs,
    // Those that were before cannot do only what was planned, nor go back.
    fallBack: order.revision === 0 && planId === undefined,
  });
}

/** Watches a rollout that goes on already, or has just ended. */
export function attach(context: Context, order: RolloutOrder, timeoutMs: number): Stream {
  return watch(context, order, {
    request: undefined,
    operationId: "",
    timeoutMs,
    fallBack: false,
  });
}

/** What it would do. */
export async function askPlan(
  { agents, progress }: Pick<CommandContext, "agents" | "progress">,
  order: Omit<RolloutOrder, "question" | "names" | "from" | "json">,
  timeoutMs: number,
): Promise<PlanDeployResponse> {
  const { node, service, component, spec, revision, recreate, secrets = [] } = order;
  const request = {
    service: spec,
    component: component ?? "",
    revision,
    recreate,
    secrets: [...secrets],
  };
  return await progress.during(
    () => [`Planning ${service} on ${node.name}`],
    agents.ask(node, (agent, call) => agent.planDeploy(request, call), { timeoutMs }),
  ).catch((error: unknown) => {
    throw isUnimplemented(error) ? cannotPlan(node) : error;
  });
}

/** The plan on its own, with the command that carries it out. */
export function planReport(
  order: Pick<RolloutOrder, "service" | "component" | "node" | "command">,
  plan: PlanDeployResponse,
  { exitCode }: { readonly exitCode: boolean },
): Report {
  const changes = hasChanges(plan);
  const next = `${order.command} --plan ${plan.planId}`;
  return {
    screen: [
      planLines(order.service, order.node.name, plan),
      changes ? [[{ text: "Next: ", tone: "strong" }, `Run \`${next}\``]] : [],
    ],
    json: {
      service: order.service,
      component: order.component ?? null,
      node: order.node.name,
      ...planJson(plan),
      next: changes ? next : null,
    },
    exitCode: exitCode && changes ? exitCodes.different : exitCodes.done,
  };
}

/** The id of the plan that the operator has agreed to; undefined where the agent makes none. */
async function agree(
  context: Context,
  order: RolloutOrder,
  timeoutMs: number,
): Promise<string | undefined> {
  let plan: PlanDeployResponse;
  try {
    plan = await askPlan(context, order, timeoutMs);
  } catch (error) {
    if (!isUnimplemented(error) || order.revision !== 0) throw error;
    const note = `Node "${order.node.name}" cannot say beforehand what would change`;
    await confirm(context, [[[note]]], order.question);
    return undefined;
  }
  // Nothing is disturbed: there is nothing to ask.
  if (!hasChanges(plan)) return plan.planId;
  await confirm(context, [planLines(order.service, order.node.name, plan)], order.question);
  return plan.planId;
}

interface Watching extends Pick<WatchedRollOut, "request" | "operationId" | "timeoutMs"> {
  /** Whether an agent that cannot tell steps is asked without. */
  readonly fallBack: boolean;
}

function watch(context: Context, order: RolloutOrder, how: Watching): Stream {
  const { clock } = context;
  const { service, node } = order;
  const picture = new RolloutPicture(service, order.names, clock.now());
  let began: RollOutResponse | undefined;

  async function* pieces(): AsyncGenerator<Piece> {
    try {
      for await (const piece of watchRollOut(context, { node, service, ...how })) {
        if ("aside" in piece) {
          yield piece;
          continue;
        }
        const { event } = piece;
        picture.take(event, clock.now());
        if (event.kind === "begun") began = event;
        if (event.kind === "ended") yield { report: report(order, event, began) };
        else yield { step: stepLine(service, event), json: stepJson(event) };
      }
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
      if (!how.fallBack) throw cannotTell(order, how);
      picture.say("deploying", clock.now());
      yield {
        aside: [`Node "${node.name}" cannot tell the steps of a deploy: waiting for its end`],
      };
      yield { report: await deployUnwatched(context, order, how.timeoutMs) };
    }
  }
  return { pieces: pieces(), picture: () => picture.labels() };
}

function report(
  order: RolloutOrder,
  ended: RollOutResponse,
  began: RollOutResponse | undefined,
): Report {
  const took = tookMs(began, ended);
  return outcomeReport(order, ended, {
    time: took === undefined ? "" : `, in ${formatDuration(Math.max(took, 1))}`,
    json: { operation_id: ended.operationId, took_ms: took ?? null },
  });
}

function outcomeReport(
  order: RolloutOrder,
  { results, revision }: {
    readonly results: readonly ComponentResult[];
    readonly revision: number;
  },
  more: { readonly time: string; readonly json: JsonObject },
): Report {
  const { service, component, node, from } = order;
  const origin = from === "" ? "" : `, ${from}`;
  return {
    screen: [
      resultLines(service, results),
      [
        [`Revision ${revision} of ${service} on ${node.name}${origin}${more.time}`],
        ...nextLines(service, results),
      ],
    ],
    json: {
      kind: "result",
      service,
      component: component ?? null,
      node: node.name,
      ...order.json,
      revision,
      ...more.json,
      results: results.map(resultJson),
    },
    exitCode: exitCodeOfResults(results),
  };
}

function nextLines(service: string, results: readonly ComponentResult[]): Line[] {
  const failed = results.find(({ success, verdict }) => !success && verdict !== "skipped");
  if (failed === undefined) return [];
  return [[
    { text: "Next: ", tone: "strong" },
    `\`mcp diff ${service}\` shows what was asked for beside what runs, \`mcp logs ${service}/${failed.name}\` what it prints`,
  ]];
}

/** As agents before could: one answer at the end. */
async function deployUnwatched(
  { agents, interrupted }: Context,
  { node, service, component, spec, ...order }: RolloutOrder,
  timeoutMs: number,
): Promise<Report> {
  const { secrets = [] } = order;
  const request = { service: spec, component: component ?? "", secrets: [...secrets] };
  const answer = await agents.ask(node, (agent, call) => agent.deploy(request, call), { timeoutMs })
    .catch((error: unknown) => {
      throw interrupted.aborted ? stoppedWaiting(service, node.name) : error;
    });
  const whole = { node, service, component, spec, ...order };
  return outcomeReport(whole, answer, { time: "", json: {} });
}

/** Between the first and the last event, by the node's own clock. */
function tookMs(began: RollOutResponse | undefined, ended: RollOutResponse): number | undefined {
  const [from, to] = [began?.timestamp, ended.timestamp];
  if (from === undefined || to === undefined) return undefined;
  return Number(to.seconds - from.seconds) * 1000 + Math.round((to.nanos - from.nanos) / 1_000_000);
}

function isUnimplemented(error: unknown): boolean {
  return error instanceof McpError && error.kind === "unimplemented";
}

function cannotPlan(node: Node): McpError {
  return new McpError("unimplemented", `The agent of node "${node.name}" cannot plan`, {
    hint: `Update mcp-agent on "${node.name}"`,
  });
}

function cannotTell({ node }: RolloutOrder, { request }: Watching): McpError {
  const what = request === undefined
    ? "does not keep the steps of its rollouts"
    : request.revision !== 0
    ? "cannot go back to a revision"
    : "cannot do only what was planned";
  return new McpError("unimplemented", `The agent of node "${node.name}" ${what}`, {
    hint: `Update mcp-agent on "${node.name}"`,
  });
}

function stoppedWaiting(service: string, nodeName: string): Interrupted {
  return new Interrupted(`Stopped waiting; node "${nodeName}" carries on with the deploy`, {
    hint: `\`mcp status ${service}\` shows how it ended`,
  });
}
