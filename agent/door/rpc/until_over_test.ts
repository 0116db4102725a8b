import { rejects, strictEqual } from "node:assert/strict";
import { unlessOver } from "./until_over.ts";

/** A signal that counts who listens to it. */
function counted(): { readonly stop: AbortController; readonly listeners: () => number } {
  const stop = new AbortController();
  let count = 0;
  const add = stop.signal.addEventListener.bind(stop.signal);
  const remove = stop.signal.removeEventListener.bind(stop.signal);
  stop.signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  stop.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return { stop, listeners: () => count };
}

Deno.test({
  name: "unlessOver() leaves no listener behind, however often it waits",
  permissions: "none",
  async fn() {
    const { stop, listeners } = counted();
    for (let wait = 0; wait < 100; wait++) await unlessOver(Promise.resolve(), stop.signal);
    await rejects(unlessOver(Promise.reject(new Error("broken")), stop.signal), /broken/);
    strictEqual(listeners(), 0);
  },
});

Deno.test({
  name: "unlessOver() ends with its signal, though the work does not",
  permissions: "none",
  async fn() {
    const { stop } = counted();
    const never = new Promise(() => {});
    const waiting = unlessOver(never, stop.signal);
    stop.abort();
    await waiting;
    await unlessOver(never, stop.signal);
  },
});

Deno.test({
  name: "unlessOver() lets nobody hear of work that fails after its end",
  permissions: "none",
  async fn() {
    const { stop } = counted();
    const { promise, reject } = Promise.withResolvers<void>();
    const waiting = unlessOver(promise, stop.signal);
    stop.abort();
    await waiting;
    reject(new Error("too late"));
    await promise.catch(() => {});
  },
});
