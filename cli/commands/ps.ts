/**
 * `mcp ps` — what is running right now, everywhere.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { askInParts } from "../agents/fan_out.ts";
import { type ComponentView, type ServiceView, serviceView } from "../agents/service_view.ts";
import { switchFlag, timeoutOption } from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { growingTable } from "../output/answers.ts";
import { shortDigest } from "../output/digest.ts";
import type { Span } from "../output/screen_text.ts";
import { formatAge, observedSpan, orDash, serviceJson } from "../output/services.ts";

export const ps = command({
  path: ["ps"],
  summary: "Show the containers that are running on all nodes right now",
  description:
    "DIGEST is the image that a container was really made from. Its tag has moved when the node has pulled another image of the same name since: the next deploy replaces the container.",
  examples: [
    { line: "mcp ps", effect: "what is running, since when, in which version" },
    { line: "mcp ps --all", effect: "also what is not running" },
  ],
  parser: object({
    all: switchFlag("--all", "Also what is not running", "-a"),
    timeoutMs: timeoutOption(10_000),
  }),

  async run(context, { all, timeoutMs }) {
    const nodes = await context.nodes();
    const answers = askInParts(
      context,
      nodes,
      async (agent, call) => {
        const services = (await agent.liveCheck({}, call)).services.map(serviceView);
        return all ? services : services.map(runningPart).filter(hasComponents);
      },
      { timeoutMs },
    );
    return {
      parts: growingTable(answers, {
        columns: ["NODE", "SERVICE", "COMPONENT", "STATE", "UPTIME", "VERSION", "DIGEST", "IMAGE"],
        toRows: (services) => services.flatMap((each) => rowsOf(each, context.clock.now())),
        toJson: (services) => ({ services: services.map(serviceJson) }),
      }),
    };
  },
});

function runningPart(service: ServiceView): ServiceView {
  return {
    ...service,
    components: service.components.filter(({ observed }) => observed === "running"),
  };
}

function hasComponents(service: ServiceView): boolean {
  return service.components.length > 0;
}

function rowsOf(service: ServiceView, now: Date): (readonly Span[])[] {
  return service.components.map((component) => [
    service.name,
    component.name,
    observedSpan(component, now),
    orDash(component.startedAt === undefined ? "" : formatAge(component.startedAt, now)),
    orDash(component.version),
    digestSpan(component),
    component.image,
  ]);
}

/** Which image it really is; the same tag may mean another one by now. */
function digestSpan({ imageDigest, tagMoved }: ComponentView): Span {
  const digest = shortDigest(imageDigest);
  return tagMoved ? { text: `${digest} (tag has moved)`, tone: "warn" } : orDash(digest);
}
