import { rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { SigningKeys } from "./signing_keys.ts";

const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;

/** A provider that publishes "keys 1", then "keys 2" and so on, until it is down. */
function provider() {
  const state = { asked: 0, isDown: false };
  const clock = new FakeClock();
  const keys = new SigningKeys(() => {
    state.asked++;
    return state.isDown
      ? Promise.reject(new McpError("unavailable", "It is down"))
      : Promise.resolve(`keys ${state.asked}`);
  }, clock);
  return { state, clock, keys };
}

Deno.test({
  name: "SigningKeys.current() fetches once in ten minutes, for all who ask",
  permissions: "none",
  fn: async () => {
    const { state, clock, keys } = provider();
    const both = await Promise.all([keys.current(), keys.current()]);
    strictEqual(both[0], both[1]);
    await clock.advance(10 * minuteMs - 1);
    strictEqual((await keys.current()).keys, "keys 1");
    await clock.advance(1);
    strictEqual((await keys.current()).keys, "keys 2");
    strictEqual(state.asked, 2);
  },
});

Deno.test({
  name: "SigningKeys.current() has nothing while a provider is down that it has never reached",
  permissions: "none",
  fn: async () => {
    const { state, keys } = provider();
    state.isDown = true;
    await rejects(keys.current(), { kind: "unavailable" });
    state.isDown = false;
    strictEqual((await keys.current()).keys, "keys 2");
  },
});

Deno.test({
  name: "SigningKeys.current() goes on with old keys for a day, asking once in 30 s",
  permissions: "none",
  fn: async () => {
    const { state, clock, keys } = provider();
    await keys.current();
    state.isDown = true;
    await clock.advance(10 * minuteMs);
    for (let at = 0; at < 3; at++) strictEqual((await keys.current()).keys, "keys 1");
    strictEqual(state.asked, 2);
    await clock.advance(30_000);
    await keys.current();
    strictEqual(state.asked, 3);
    await clock.advance(dayMs - 10 * minuteMs - 30_001);
    strictEqual((await keys.current()).keys, "keys 1");
    await clock.advance(1);
    await rejects(keys.current(), { kind: "unavailable" });
    state.isDown = false;
    strictEqual((await keys.current()).keys, "keys 6");
  },
});

Deno.test({
  name: "SigningKeys.newerThan() asks again once in 30 s, however many unknown keys are met",
  permissions: "none",
  fn: async () => {
    const { state, clock, keys } = provider();
    const first = await keys.current();
    strictEqual(await keys.newerThan(first), undefined);
    await clock.advance(30_000);
    const all = await Promise.all([keys.newerThan(first), keys.newerThan(first)]);
    strictEqual(all[0]?.keys, "keys 2");
    strictEqual(all[0], all[1]);
    strictEqual(await keys.newerThan(first), all[0]);
    strictEqual(all[0] && await keys.newerThan(all[0]), undefined);
    strictEqual(state.asked, 2);
  },
});

Deno.test({
  name: "SigningKeys.newerThan() does not call a key unknown while nobody can be asked",
  permissions: "none",
  fn: async () => {
    const { state, clock, keys } = provider();
    const first = await keys.current();
    state.isDown = true;
    await clock.advance(30_000);
    await rejects(keys.newerThan(first), { kind: "unavailable" });
    await rejects(keys.newerThan(first), { kind: "unavailable" });
    strictEqual(state.asked, 2);
    strictEqual((await keys.current()).keys, "keys 1");
  },
});

Deno.test({
  name: "SigningKeys asks again when the clock was set back, for keys and for unknown ones",
  permissions: "none",
  fn: async () => {
    const { state, clock, keys } = provider();
    const first = await keys.current();
    clock.jump(-dayMs);
    strictEqual((await keys.current()).keys, "keys 2");
    clock.jump(-dayMs);
    strictEqual((await keys.newerThan(await keys.current()))?.keys, undefined);
    strictEqual(first.keys, "keys 1");
    strictEqual(state.asked, 3);
  },
});
