/**
 * How far a node's clock is from this workstation's, allowing for the way there and back.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import { type Finding, well } from "../../lib/domain/finding.ts";

/** One question and its answer, as both clocks saw it. */
interface Exchange {
  /** By this workstation's clock. */
  readonly sentAt: Date;
  /** By the node's. */
  readonly askedAt: Date;
  readonly answeredAt: Date;
  /** By this workstation's again. */
  readonly receivedAt: Date;
}

/** More than people would not notice in a list of events. */
const warningMs = 5_000;
/** From there on the agent refuses tokens of OIDC that are new, and takes those that have ended. */
const errorMs = 30_000;

/**
 * The node's clock, as far as one exchange can tell: the difference is known up to half the time
 * that the question and the answer were under way.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { clockFinding } from "./clock_difference.ts";
 *
 * const at = (seconds: number) => new Date(seconds * 1000);
 * const exchange = { sentAt: at(0), askedAt: at(61), answeredAt: at(62), receivedAt: at(3) };
 * strictEqual(clockFinding(exchange).level, "error");
 * strictEqual(clockFinding(exchange).what, "1m ahead of this workstation's (± 1s)");
 * ```
 */
export function clockFinding({ sentAt, askedAt, answeredAt, receivedAt }: Exchange): Finding {
  const [t0, t1, t2, t3] = [sentAt, askedAt, answeredAt, receivedAt].map((at) => at.getTime()) as [
    number,
    number,
    number,
    number,
  ];
  const differenceMs = (t1 - t0 + t2 - t3) / 2;
  const uncertainMs = Math.max(0, (t3 - t0) - (t2 - t1)) / 2;
  const certainMs = Math.abs(differenceMs) - uncertainMs;
  const uncertain = `(± ${formatDuration(uncertainMs)})`;
  const id = "clock";
  if (certainMs <= warningMs) return well(id, `that of this workstation ${uncertain}`);
  const direction = differenceMs > 0 ? "ahead of" : "behind";
  return {
    id,
    level: certainMs > errorMs ? "error" : "warning",
    what: `${formatDuration(Math.abs(differenceMs))} ${direction} this workstation's ${uncertain}`,
    why:
      "One of the two is wrong: tokens and certificates that are valid are refused, or the reverse.",
    fix: "timedatectl set-ntp true",
  };
}
