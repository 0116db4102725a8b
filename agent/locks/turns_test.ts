import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { Turns } from "./turns.ts";

function turnsAt(start: string) {
  let now = new Date(start);
  const turns = new Turns({ now: () => now });
  return {
    turns,
    pass(durationMs: number) {
      now = new Date(now.getTime() + durationMs);
    },
  };
}

const deploy = { verb: "deploy", actor: "ada", components: ["web", "api"] };
const stop = { verb: "stop", actor: "bob", components: ["web"] };

Deno.test({
  name: "Turns.take() refuses a second caller and tells who holds the service and since when",
  permissions: "none",
  fn: () => {
    const { turns, pass } = turnsAt("2030-01-01T12:00:00Z");
    using _turn = turns.take("shop", deploy);
    pass(90_000);
    throws(() => turns.take("shop", stop), (error) => {
      deepStrictEqual(
        error instanceof McpError && [error.kind, error.message, error.hint],
        [
          "conflict",
          'Cannot stop "shop": a deploy by ada has been running since 2030-01-01T12:00:00.000Z (1m 30s)',
          "Wait for it to end; `mcp status shop` shows how it went",
        ],
      );
      return true;
    });
  },
});

Deno.test({
  name: "Turns.take() gives a turn again when the one before has ended",
  permissions: "none",
  fn: () => {
    const { turns } = turnsAt("2030-01-01T12:00:00Z");
    {
      using _turn = turns.take("shop", deploy);
    }
    using _turn = turns.take("shop", stop);
    throws(() => turns.take("shop", deploy), /a stop by bob/);
  },
});

Deno.test({
  name: "Turns.take() gives different services their turns at the same time",
  permissions: "none",
  fn: () => {
    const { turns } = turnsAt("2030-01-01T12:00:00Z");
    using _one = turns.take("shop", deploy);
    using _other = turns.take("shop-web", deploy);
  },
});

Deno.test({
  name: "Turns.touchedSince() knows who is being moved",
  permissions: "none",
  fn: () => {
    const { turns } = turnsAt("2030-01-01T12:00:00Z");
    const mark = turns.mark();
    using _turn = turns.take("shop", stop);
    strictEqual(turns.touchedSince(mark, "shop", "web"), true);
    strictEqual(turns.touchedSince(turns.mark(), "shop", "web"), true);
    strictEqual(turns.touchedSince(mark, "shop", "api"), false);
    strictEqual(turns.touchedSince(mark, "other", "web"), false);
  },
});

Deno.test({
  name: "Turns.touchedSince() remembers who was moved since a mark, and only since",
  permissions: "none",
  fn: () => {
    const { turns } = turnsAt("2030-01-01T12:00:00Z");
    const before = turns.mark();
    const turn = turns.take("shop", stop);
    const during = turns.mark();
    turn[Symbol.dispose]();
    const after = turns.mark();
    deepStrictEqual(
      [before, during, after].map((mark) => turns.touchedSince(mark, "shop", "web")),
      [true, true, false],
    );
    strictEqual(turns.touchedSince(before, "shop", "api"), false);
  },
});

Deno.test({
  name: "Turns.idle() resolves at once when nobody holds a turn",
  permissions: "none",
  fn: () => turnsAt("2030-01-01T12:00:00Z").turns.idle(),
});

Deno.test({
  name: "Turns.idle() resolves for all who wait when the last turn has ended",
  permissions: "none",
  fn: async () => {
    const { turns } = turnsAt("2030-01-01T12:00:00Z");
    const told: string[] = [];
    const one = turns.take("shop", deploy);
    const other = turns.take("mail", deploy);
    const waits = [
      turns.idle().then(() => told.push("a")),
      turns.idle().then(() => told.push("b")),
    ];
    one[Symbol.dispose]();
    await Promise.resolve();
    deepStrictEqual(told, []);
    other[Symbol.dispose]();
    await Promise.all(waits);
    deepStrictEqual(told, ["a", "b"]);
  },
});
