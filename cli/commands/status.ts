/**
 * `mcp status` — what is, what should be, and what happened: what needs attention.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { isDrift } from "../../lib/domain/state.ts";
import type { ServiceStatusResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type Answer, answered, askAll, unanswered } from "../agents/fan_out.ts";
import { findService } from "../agents/find_service.ts";
import type { Question } from "../agents/agents.ts";
import {
  type DriftView,
  driftView,
  type EventView,
  eventView,
  type FindingView,
  findingView,
  type ServiceView,
  serviceView,
} from "../agents/service_view.ts";
import { serviceArgument, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { exitCodeOfAnswers, nextLines, nodesJson, nodesRows } from "../output/answers.ts";
import type { Line, Span } from "../output/screen_text.ts";
import {
  driftJson,
  driftNext,
  eventJson,
  findingJson,
  findingNext,
  formatAge,
  formatField,
  observedSinceSpan,
  orDash,
  serviceJson,
} from "../output/services.ts";
import type { Table } from "../output/table.ts";

/** What one node says about its services, or about one of them. */
interface NodeState {
  readonly services: readonly ServiceView[];
  readonly drift: readonly DriftView[];
  readonly findings: readonly FindingView[];
  /** Newest first. */
  readonly events: readonly EventView[];
  /** Why the runtime could not be asked; empty = it was. */
  readonly runtimeError: string;
}

/** How many events are shown; `mcp events` shows the rest. */
const shownEvents = 10;

export const status = command({
  path: ["status"],
  summary: "Show what runs, what drifts and what happened lately",
  description:
    "Looks at every node now. OBSERVED says for how long it has been so, REV which revision it was deployed as, SEEN when it was last really looked at. For each drift the command that ends it is shown.",
  examples: [
    { line: "mcp status", effect: "all services of all nodes" },
    { line: "mcp status metacrypt", effect: "one service, wherever it runs" },
  ],
  parser: object({ service: optional(serviceArgument()), timeoutMs: timeoutOption(10_000) }),

  async run(context, { service, timeoutMs }) {
    const nodes = await context.nodes();
    const answers = service === undefined
      ? await askAll(context, nodes, stateOfAll, { timeoutMs })
      : await findService(context, nodes, service, stateOf(service), { timeoutMs });
    const now = context.clock.now();
    return {
      screen: [
        [headline(answers)],
        {
          columns: [
            ...["NODE", "SERVICE", "COMPONENT", "DESIRED", "OBSERVED", "VERSION", "REV", "SEEN"],
            "",
          ],
          rows: nodesRows(
            answers,
            ({ services, drift }) => services.flatMap((each) => rowsOf(each, drift, now)),
          ),
        },
        runtimeLines(answers),
        driftLines(answers),
        findingLines(answers),
        ...eventTable(answers, now),
        nextLines(answers),
      ],
      json: {
        nodes: nodesJson(answers, (state) => ({
          services: state.services.map(serviceJson),
          drift: state.drift.map(driftJson),
          findings: state.findings.map(findingJson),
          recent_events: state.events.map(eventJson),
          runtime_error: state.runtimeError === "" ? null : state.runtimeError,
        })),
      },
      exitCode: exitCodeOfAnswers(answers),
    };
  },
});

const stateOfAll: Question<NodeState> = async (agent, call) =>
  nodeState(await agent.getServiceStatus({ name: "" }, call));

/** Undefined where the node does not know the service. */
function stateOf(service: string): Question<NodeState | undefined> {
  return async (agent, call) => {
    const response = await agent.getServiceStatus({ name: service }, call);
    return response.services.length === 0 ? undefined : nodeState(response);
  };
}

function nodeState(response: ServiceStatusResponse): NodeState {
  const services = response.services.map(serviceView);
  return {
    services,
    drift: response.drift.map((drift) => driftView(drift, services)),
    findings: response.findings.map(findingView),
    events: response.recentEvents.map(eventView),
    runtimeError: response.runtimeError,
  };
}

/** What needs attention, in one line. */
function headline(answers: readonly Answer<NodeState>[]): Line {
  const states = answered(answers).map(({ value }) => value);
  const components = states.flatMap(({ services }) => services)
    .flatMap((service) => service.components);
  const drifting = states.flatMap(({ drift }) => drift).length;
  const unknown =
    components.filter(({ desired, observed }) => desired !== "ignore" && observed === "unknown")
      .length;
  const silent = unanswered(answers).length;
  const troubles: Span[] = [
    ...(drifting === 0 ? [] : [{ text: `${drifting} drifting`, tone: "bad" } as const]),
    ...(unknown === 0 ? [] : [{ text: `${unknown} unknown`, tone: "warn" } as const]),
    ...(silent === 0
      ? []
      : [{ text: `${counted(silent, "node")} without an answer`, tone: "bad" } as const]),
  ];
  if (components.length === 0 && troubles.length === 0) return ["There are no components yet"];
  const fine: Span = { text: "all as they should be", tone: "good" };
  return [
    `${counted(components.length, "component")}: `,
    ...(troubles.length === 0 ? [fine] : troubles)
      .flatMap((span, at) => at === 0 ? [span] : [", ", span]),
  ];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function rowsOf(
  service: ServiceView,
  drift: readonly DriftView[],
  now: Date,
): (readonly Span[])[] {
  const drifting = drift.filter((each) => each.service === service.name)
    .map(({ component }) => component);
  return service.components.map((component) => [
    service.name,
    component.name,
    component.desired,
    observedSinceSpan(component, now),
    orDash(component.version),
    orDash(component.revision === undefined ? "" : String(component.revision)),
    component.observedAt === undefined ? "never" : `${formatAge(component.observedAt, now)} ago`,
    drifting.includes(component.name) ? { text: "DRIFT", tone: "bad" } : "",
  ]);
}

function runtimeLines(answers: readonly Answer<NodeState>[]): Line[] {
  return answered(answers).flatMap(({ node, value }): Line[] =>
    value.runtimeError === "" ? [] : [[
      { text: `Node "${node.name}" cannot ask its container runtime: `, tone: "warn" },
      value.runtimeError,
    ]]
  );
}

function driftLines(answers: readonly Answer<NodeState>[]): Line[] {
  const lines = answered(answers).flatMap(({ node, value }) =>
    value.drift.flatMap((drift) =>
      driftLinesOf(`  ${node.name} ${drift.service}/${drift.component}`, drift)
    )
  );
  return lines.length === 0 ? [] : [[{ text: "Drift", tone: "strong" }], ...lines];
}

function driftLinesOf(who: string, drift: DriftView): Line[] {
  const { service, component, desired, observed, job, fields } = drift;
  const state: Line[] = isDrift(desired, observed, job)
    ? [[
      `${who} should be ${desired} and is `,
      { text: observed, tone: "bad" },
      `: ${driftNext(drift)}`,
    ]]
    : [];
  if (fields.length === 0) return state;
  return [
    ...state,
    [
      `${who} is `,
      { text: "not as it was deployed", tone: "bad" },
      `: \`mcp deploy ${service}/${component}\` puts it back, \`mcp service edit ${service}\` is for keeping it`,
    ],
    ...fields.map((field): Line => [`    ${formatField(field)}`]),
  ];
}

/** What is no component's state, and yet not as it was left. */
function findingLines(answers: readonly Answer<NodeState>[]): Line[] {
  const lines = answered(answers).flatMap(({ node, value }) =>
    value.findings.map((finding): Line => {
      const next = findingNext(finding)
        .map(({ command, effect }) => `\`${command}\` ${effect}`).join(", ");
      return [
        `  ${node.name} ${finding.service}: ${finding.kind} ${finding.name}: `,
        { text: finding.text, tone: "warn" },
        next === "" ? "" : `: ${next}`,
      ];
    })
  );
  return lines.length === 0 ? [] : [[{ text: "Also", tone: "strong" }], ...lines];
}

function eventTable(answers: readonly Answer<NodeState>[], now: Date): Table[] {
  const happened = answered(answers)
    .flatMap(({ node, value }) => value.events.map((event) => ({ node, event })))
    .sort((a, b) => (b.event.at?.getTime() ?? 0) - (a.event.at?.getTime() ?? 0));
  const rows = happened.slice(0, shownEvents).map(({ node, event }): readonly Span[] => [
    event.at === undefined ? "-" : `${formatAge(event.at, now)} ago`,
    node.name,
    `${event.service}/${event.component}`,
    `${event.previous} to ${event.next}`,
    event.cause,
  ]);
  return rows.length === 0
    ? []
    : [{ columns: ["WHEN", "NODE", "COMPONENT", "CHANGE", "CAUSE"], rows }];
}
