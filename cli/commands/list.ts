/**
 * `mcp list` — what the nodes remember; no runtime is asked.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { askInParts } from "../agents/fan_out.ts";
import { type ServiceView, serviceView } from "../agents/service_view.ts";
import { timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { growingTable } from "../output/answers.ts";
import type { Span } from "../output/screen_text.ts";
import { formatAge, observedSpan, orDash, serviceJson } from "../output/services.ts";

export const list = command({
  path: ["list"],
  summary: "List the services of all nodes as their registries remember them",
  description:
    "States are the last ones seen, SEEN says when. Use ps to look now, and status to see what needs attention.",
  examples: [
    { line: "mcp list", effect: "every service and component" },
    { line: "mcp list --json", effect: "the same, for scripts" },
  ],
  parser: object({ timeoutMs: timeoutOption(10_000) }),

  async run(context, { timeoutMs }) {
    const nodes = await context.nodes();
    const answers = askInParts(
      context,
      nodes,
      async (agent, call) => (await agent.listServices({}, call)).services.map(serviceView),
      { timeoutMs },
    );
    return {
      parts: growingTable(answers, {
        columns: ["NODE", "SERVICE", "COMPONENT", "DESIRED", "OBSERVED", "VERSION", "SEEN"],
        toRows: (services) => services.flatMap((each) => rowsOf(each, context.clock.now())),
        toJson: (services) => ({ services: services.map(serviceJson) }),
      }),
    };
  },
});

function rowsOf(service: ServiceView, now: Date): (readonly Span[])[] {
  return service.components.map((component) => [
    service.name,
    component.name,
    component.desired,
    observedSpan(component, now),
    orDash(component.version),
    component.observedAt === undefined ? "never" : `${formatAge(component.observedAt, now)} ago`,
  ]);
}
