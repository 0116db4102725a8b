import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { ServiceLocks } from "./service_locks.ts";

function locksAt(start: string) {
  let now = new Date(start);
  const locks = new ServiceLocks({ now: () => now });
  return {
    locks,
    pass(durationMs: number) {
      now = new Date(now.getTime() + durationMs);
    },
  };
}

const deploy = { verb: "deploy", actor: "ada", components: ["web", "api"] };
const stop = { verb: "stop", actor: "bob", components: ["web"] };

Deno.test({
  name:
    "ServiceLocks.acquire() refuses a second caller and tells who holds the service and since when",
  permissions: "none",
  fn: () => {
    const { locks, pass } = locksAt("2030-01-01T12:00:00Z");
    using _lock = locks.acquire("shop", deploy);
    pass(90_000);
    throws(() => locks.acquire("shop", stop), (error) => {
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
  name: "ServiceLocks.acquire() gives a lock again when the one before has ended",
  permissions: "none",
  fn: () => {
    const { locks } = locksAt("2030-01-01T12:00:00Z");
    {
      using _lock = locks.acquire("shop", deploy);
    }
    using _lock = locks.acquire("shop", stop);
    throws(() => locks.acquire("shop", deploy), /a stop by bob/);
  },
});

Deno.test({
  name: "ServiceLocks.acquire() gives different services their locks at the same time",
  permissions: "none",
  fn: () => {
    const { locks } = locksAt("2030-01-01T12:00:00Z");
    using _one = locks.acquire("shop", deploy);
    using _other = locks.acquire("shop-web", deploy);
  },
});

Deno.test({
  name: "ServiceLocks.touchedSince() knows who is being moved",
  permissions: "none",
  fn: () => {
    const { locks } = locksAt("2030-01-01T12:00:00Z");
    const mark = locks.mark();
    using _lock = locks.acquire("shop", stop);
    strictEqual(locks.touchedSince(mark, "shop", "web"), true);
    strictEqual(locks.touchedSince(locks.mark(), "shop", "web"), true);
    strictEqual(locks.touchedSince(mark, "shop", "api"), false);
    strictEqual(locks.touchedSince(mark, "other", "web"), false);
  },
});

Deno.test({
  name: "ServiceLocks.touchedSince() remembers who was moved since a mark, and only since",
  permissions: "none",
  fn: () => {
    const { locks } = locksAt("2030-01-01T12:00:00Z");
    const before = locks.mark();
    const lock = locks.acquire("shop", stop);
    const during = locks.mark();
    lock[Symbol.dispose]();
    const after = locks.mark();
    deepStrictEqual(
      [before, during, after].map((mark) => locks.touchedSince(mark, "shop", "web")),
      [true, true, false],
    );
    strictEqual(locks.touchedSince(before, "shop", "api"), false);
  },
});

Deno.test({
  name: "ServiceLocks.idle() resolves at once when nobody holds a lock",
  permissions: "none",
  fn: () => locksAt("2030-01-01T12:00:00Z").locks.idle(),
});

Deno.test({
  name: "ServiceLocks.idle() resolves for all who wait when the last lock has ended",
  permissions: "none",
  fn: async () => {
    const { locks } = locksAt("2030-01-01T12:00:00Z");
    const told: string[] = [];
    const one = locks.acquire("shop", deploy);
    const other = locks.acquire("mail", deploy);
    const waits = [
      locks.idle().then(() => told.push("a")),
      locks.idle().then(() => told.push("b")),
    ];
    one[Symbol.dispose]();
    await Promise.resolve();
    deepStrictEqual(told, []);
    other[Symbol.dispose]();
    await Promise.all(waits);
    deepStrictEqual(told, ["a", "b"]);
  },
});
