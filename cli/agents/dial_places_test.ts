import { deepStrictEqual } from "node:assert/strict";
import { DialPlaces } from "./dial_places.ts";

/** Work that ends when it is told to, and tells when it began. */
function scripted(places: DialPlaces) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const ended: Promise<void>[] = [];
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    begun,
    async begin(...names: readonly string[]) {
      for (const name of names) {
        const { promise, resolve } = Promise.withResolvers<void>();
        ends.set(name, resolve);
        ended.push(places.take(() => {
          begun.push(name);
          return promise;
        }));
      }
      await settled();
    },
    async end(name: string) {
      ends.get(name)?.();
      await settled();
    },
    async all() {
      for (const end of ends.values()) end();
      await Promise.all(ended);
    },
  };
}

Deno.test({
  name: "DialPlaces lets as many work as there are places, and the next when one is done",
  permissions: "none",
  async fn() {
    const never = (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      );
    const work = scripted(new DialPlaces({ sleep: never }, { count: 2, patienceMs: 1 }));
    await work.begin("a", "b", "c", "d");
    deepStrictEqual(work.begun, ["a", "b"]);
    await work.end("b");
    deepStrictEqual(work.begun, ["a", "b", "c"]);
    await work.end("b");
    deepStrictEqual(work.begun, ["a", "b", "c"], "nobody gives a place back twice");
    await work.all();
    deepStrictEqual(work.begun, ["a", "b", "c", "d"]);
  },
});

Deno.test({
  name: "DialPlaces gives the place of who takes too long to the next",
  permissions: "none",
  async fn() {
    const impatience: (() => void)[] = [];
    const sleep = () => new Promise<void>((resolve) => impatience.push(resolve));
    const work = scripted(new DialPlaces({ sleep }, { count: 1, patienceMs: 1 }));
    await work.begin("dead", "living");
    deepStrictEqual(work.begun, ["dead"]);
    impatience[0]?.();
    await work.end("nobody");
    deepStrictEqual(work.begun, ["dead", "living"]);
    for (const end of impatience) end();
    await work.all();
  },
});
