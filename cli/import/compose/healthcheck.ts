/**
 * `healthcheck` of a service.
 *
 * @module
 */

import { checkHealth, shellCommand } from "../health.ts";
import { durationOf } from "./ordinary.ts";
import type { Place } from "./place.ts";
import type { Field } from "./project.ts";

/** `healthcheck` */
export function readHealthCheck(field: Field): void {
  const { project: { reader }, draft, place } = field;
  const entry = (key: string) => reader.said(place, key);
  const entries = reader.entries(place);
  const disable = entry("disable");
  if (disable !== undefined && reader.flag(disable) === true) return;
  const startInterval = entry("start_interval");
  if (startInterval !== undefined) {
    draft.leftOut(startInterval.origin, "the agent probes fast by itself while it deploys");
  }
  const test = entry("test");
  if (test === undefined) {
    if (entries.some(([key]) => key !== "disable" && key !== "start_interval")) {
      draft.leftOut(
        place.origin,
        "times of a health check that is part of the image",
        "Write what the image checks into `healthcheck`",
      );
    }
    return;
  }
  const command = commandOf(field, test);
  if (command === undefined) return;
  const retries = entry("retries");
  checkHealth(draft, {
    command,
    intervalMs: durationOf(field, entry("interval")),
    timeoutMs: durationOf(field, entry("timeout")),
    retries: retries && reader.number(retries),
    startPeriodMs: durationOf(field, entry("start_period")),
  }, test.origin);
}

/** What runs in the container; undefined where nothing does. */
function commandOf({ project: { reader }, draft }: Field, test: Place) {
  if (test.value.kind === "scalar") {
    const line = reader.text(test);
    return line === undefined || line === "" ? undefined : shellCommand(line);
  }
  const [kind, ...words] = reader.texts(test).map(({ text }) => text);
  if (kind === "NONE") return undefined;
  if (kind === "CMD-SHELL" && words.length > 0) return shellCommand(words.join(" "));
  if (kind === "CMD" && words.length > 0) return words;
  draft.mistake(test.origin, 'expected ["CMD", …], ["CMD-SHELL", "…"] or ["NONE"]');
  return undefined;
}
