import { deepStrictEqual, throws } from "node:assert/strict";
import { parseSince, sinceWhen } from "./since.ts";

const now = new Date("2026-03-01T12:00:00Z");

for (
  const [given, text, at] of [
    ["a duration", "90m", "2026-03-01T10:30:00.000Z"],
    ["a day", "2026-02-28", "2026-02-28T00:00:00.000Z"],
    ["an instant", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00.000Z"],
    ["an instant as it is shown", "2026-02-28 10:00:05", "2026-02-28T10:00:05.000Z"],
    ["an instant in another zone", "2026-02-28T10:00+02:00", "2026-02-28T08:00:00.000Z"],
  ] as const
) {
  Deno.test({
    name: `parseSince() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(sinceWhen(parseSince(text), now).toISOString(), at),
  });
}

for (const text of ["", "1", "yesterday", "2026-02-31T25:00Z", "2026-2-3", "1h30m"]) {
  Deno.test({
    name: `parseSince() refuses ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => throws(() => parseSince(text), { kind: "invalid" }),
  });
}
