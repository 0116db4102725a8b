import { ok, rejects, strictEqual } from "node:assert/strict";
import { longestTimerMs, realClock } from "./clock.ts";

Deno.test({
  name: "realClock.now() is the machine's time",
  permissions: "none",
  fn: () => {
    const before = Date.now();
    const now = realClock.now().getTime();
    ok(before <= now && now <= Date.now());
  },
});

Deno.test({
  name: "realClock.sleep() ends",
  permissions: "none",
  fn: async () => strictEqual(await realClock.sleep(0), undefined),
});

Deno.test({
  name: "realClock.sleep() rejects with the signal's reason when it is aborted",
  permissions: "none",
  fn: async () => {
    const abort = new AbortController();
    const slept = realClock.sleep(60_000, abort.signal);
    abort.abort(new Error("told to stop"));
    await rejects(slept, { message: "told to stop" });
  },
});

Deno.test({
  name: "realClock.sleep() does not begin when it was aborted before",
  permissions: "none",
  fn: () => rejects(realClock.sleep(0, AbortSignal.abort(new Error("told to stop")))),
});

Deno.test({
  name: "realClock.sleep() outlasts the longest timer",
  permissions: "none",
  fn: async () => {
    const abort = new AbortController();
    const slept = realClock.sleep(longestTimerMs * 3, abort.signal);
    // A timer that is set for too long goes off at once, and so before this one.
    setTimeout(() => abort.abort(new Error("still asleep")), 2);
    await rejects(slept, { message: "still asleep" });
  },
});
