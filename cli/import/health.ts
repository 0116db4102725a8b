/**
 * Health checks of Compose and podman as ours.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import type { HealthCheck } from "../../lib/domain/health_check.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** A health check as both of them have it; what is undefined has their default. */
interface ContainerHealthCheck {
  readonly command: readonly string[];
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly retries: number | undefined;
  readonly startPeriodMs: number | undefined;
}

const longestMs = 24 * 3_600_000;

/** A command for a shell in the container. */
export function shellCommand(line: string): readonly string[] {
  return ["/bin/sh", "-c", line];
}

/**
 * Adds the health check to the component.
 *
 * Theirs gives up on a container that was never healthy after its start period and as many
 * intervals as it may fail; ours has one time for both.
 */
export function checkHealth(draft: Draft, written: ContainerHealthCheck, origin: Origin): void {
  // Zero is their way to say that the default is meant.
  const orDefault = (value: number | undefined, otherwise: number) =>
    value === undefined || value === 0 ? otherwise : value;
  const intervalMs = within(orDefault(written.intervalMs, 30_000), 100);
  const retries = Math.min(100, orDefault(written.retries, 3));
  const startPeriodMs = within((written.startPeriodMs ?? 0) + retries * intervalMs, 0);
  const healthcheck: HealthCheck = {
    probe: { kind: "exec", command: written.command },
    intervalMs,
    timeoutMs: within(orDefault(written.timeoutMs, 30_000), 100),
    retries,
    startPeriodMs,
  };
  draft.put("healthcheck", healthcheck, origin);
  draft.changed(
    origin,
    `start_period = ${
      formatDuration(startPeriodMs)
    }: how long it may take to its first good answer, ` +
      "which was the start period and all retries",
  );
}

function within(ms: number, least: number): number {
  return Math.min(longestMs, Math.max(least, ms));
}
