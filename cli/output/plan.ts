/**
 * What a deploy would do, for people and for scripts.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import type {
  ComponentPlan,
  FieldDifference,
  PlanDeployResponse,
} from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { JsonObject } from "./json.ts";
import type { Line, Span, Tone } from "./screen_text.ts";

const toneOfAction: Readonly<Record<string, Tone>> = {
  create: "good",
  replace: "warn",
  remove: "bad",
  keep: "faint",
};

/** Whether carrying the plan out would change anything. */
export function hasChanges(plan: PlanDeployResponse): boolean {
  return plan.components.some(({ action }) => action !== "keep");
}

/** The plan in one line, e.g. "1 to replace, 2 kept". */
export function planSummary(components: readonly Pick<ComponentPlan, "action">[]): string {
  const count = (action: string) =>
    components.filter((component) => component.action === action).length;
  const parts = [
    ...["create", "replace", "remove"].map((action) => [count(action), `to ${action}`] as const),
    [count("keep"), "kept"] as const,
  ];
  const said = parts.filter(([number]) => number > 0).map((part) => part.join(" "));
  return said.length === 0 ? "nothing to do" : said.join(", ");
}

/** The whole plan of one service, its summary first. */
export function planLines(
  service: string,
  nodeName: string,
  { components }: PlanDeployResponse,
): Line[] {
  const width = Math.max(0, ...components.map(({ name }) => name.length));
  return [
    [{ text: `${service} on ${nodeName}: ${planSummary(components)}`, tone: "strong" }],
    ...components.flatMap((component) => componentLines(component, width)),
  ];
}

function componentLines(component: ComponentPlan, width: number): Line[] {
  const { name, action, differences, notes } = component;
  const fields = Math.max(0, ...differences.map(({ field }) => field.length));
  return [
    [`  ${name.padEnd(width)}  `, { text: action, tone: toneOfAction[action] ?? "strong" }],
    ...differences.map((difference) => differenceLine(difference, { indent: 6, width: fields })),
    ...costLines(component).map((line): Line => [`      ${line}`]),
    ...notes.map((note): Line => [`      ${note}`]),
  ];
}

/** One field, e.g. `image  registry.example/web:v1 → registry.example/web:v2`. */
export function differenceLine(
  { field, deployed, declared }: Pick<FieldDifference, "field" | "deployed" | "declared">,
  { indent, width }: { readonly indent: number; readonly width: number },
): Line {
  const side = (text: string, tone: Tone): Span =>
    text === "" ? { text: "-", tone: "faint" } : { text, tone };
  return [
    `${" ".repeat(indent)}${field.padEnd(width)}  `,
    side(deployed, "bad"),
    " → ",
    side(declared, "good"),
  ];
}

/** What it costs in time, and in which order it is done. */
function costLines({ action, order, downtimeReason, lastDowntimeMs }: ComponentPlan): string[] {
  if (action !== "replace") return [];
  if (downtimeReason === "") return order === "" ? [] : [`no downtime (${order})`];
  const last = lastDowntimeMs === 0 ? "" : `; it took ${formatDuration(lastDowntimeMs)} last time`;
  return [`downtime (${order}): ${downtimeReason}${last}`];
}

/** The plan as `--json` prints it. */
export function planJson({ planId, components }: PlanDeployResponse): JsonObject {
  return {
    plan_id: planId,
    summary: planSummary(components),
    components: components.map((component) => ({
      name: component.name,
      action: component.action,
      differences: component.differences.map(differenceJson),
      order: component.order === "" ? null : component.order,
      downtime_reason: component.downtimeReason === "" ? null : component.downtimeReason,
      last_downtime_ms: component.lastDowntimeMs === 0 ? null : component.lastDowntimeMs,
      image_digest: component.imageDigest === "" ? null : component.imageDigest,
      notes: [...component.notes],
    })),
  };
}

/** One field as `--json` prints it; null = it is not there. */
export function differenceJson(
  { field, deployed, declared }: Pick<FieldDifference, "field" | "deployed" | "declared">,
): JsonObject {
  return {
    field,
    deployed: deployed === "" ? null : deployed,
    declared: declared === "" ? null : declared,
  };
}
