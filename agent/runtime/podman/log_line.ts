/**
 * Lines of `podman logs --timestamps`.
 *
 * A line that a container prints in pieces, or that is very long, comes as one line with a time
 * before each piece (podman 4.3 with `k8s-file`):
 *
 *     2026-03-01T12:00:00.000000001Z begins 2026-03-01T12:00:01.000000001Z and ends
 *
 * `podman --remote` tells whole seconds only.
 *
 * @module
 */

/** A line of a log: when its first piece was printed, in nanoseconds since 1970, and its text. */
export interface LogLine {
  readonly at: bigint;
  readonly text: string;
}

const second = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`;
const zone = String.raw`(?:Z|[+-]\d\d:\d\d)`;
const instant = new RegExp(`^(${second})(?:\\.(\\d{9}))?(${zone})$`);
const laterPiece = new RegExp(`(${second}\\.\\d{9}${zone}) `, "g");

/**
 * A line with its time; undefined of one that has none.
 *
 * Times of later pieces are taken out. Programs print times as well, but those that they print
 * lie before the one at which they were seen to print them. Of whole seconds that cannot be told:
 * there they stay.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { parseLogLine } from "./log_line.ts";
 *
 * deepStrictEqual(parseLogLine("1970-01-01T00:00:01.000000002Z ready"), {
 *   at: 1_000_000_002n,
 *   text: "ready",
 * });
 * ```
 */
export function parseLogLine(line: string): LogLine | undefined {
  const space = line.indexOf(" ");
  const at = space < 0 ? undefined : nanoseconds(line.slice(0, space));
  if (at === undefined) return undefined;
  const whole = line.slice(space + 1);
  let last = at;
  // Without a JIT it is worth a look whether there can be a time at all.
  const text = !whole.includes("T") || !whole.includes(":") ? whole : whole.replaceAll(
    laterPiece,
    (piece: string, time: string, offset: number) => {
      const pieceAt = nanoseconds(time);
      // At the very beginning it is what the program printed: no piece is empty.
      if (offset === 0 || pieceAt === undefined || pieceAt < last) return piece;
      last = pieceAt;
      return "";
    },
  );
  // Programs that think of a terminal end their lines like this.
  return { at, text: text.endsWith("\r") ? text.slice(0, -1) : text };
}

/** An instant as podman takes it. */
export function formatLogTime(at: bigint): string {
  const seconds = at / 1_000_000_000n;
  const fraction = String(at % 1_000_000_000n).padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** The second that was read last: most lines are of the same one as those before. */
let latest: { readonly text: string; readonly at: bigint } | undefined;

function nanoseconds(time: string): bigint | undefined {
  const [, seconds, fraction = "0", zone] = instant.exec(time) ?? [];
  const text = `${seconds}${zone}`;
  if (latest?.text !== text) {
    const ms = Date.parse(text);
    if (Number.isNaN(ms)) return undefined;
    latest = { text, at: BigInt(ms) * 1_000_000n };
  }
  return latest.at + BigInt(fraction);
}
