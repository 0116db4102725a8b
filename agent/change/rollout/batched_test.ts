import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { batched } from "./batched.ts";

Deno.test({
  name: "batched() makes one question of those that are asked while another one is answered",
  permissions: "none",
  fn: async () => {
    const asked: string[][] = [];
    const ask = batched(async (keys: readonly string[]) => {
      asked.push([...keys]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return new Map(keys.map((key) => [key, `${key}!`]));
    });
    const first = ask("a");
    await Promise.resolve();
    const others = [ask("b"), ask("c"), ask("b")];
    deepStrictEqual(await Promise.all([first, ...others]), ["a!", "b!", "c!", "b!"]);
    strictEqual(await ask("d"), "d!");
    deepStrictEqual(asked, [["a"], ["b", "c"], ["d"]]);
  },
});

Deno.test({
  name: "batched() tells all who asked of a failure, and asks again the next time",
  permissions: "none",
  fn: async () => {
    let failures = 1;
    const ask = batched((keys: readonly string[]) =>
      failures-- > 0
        ? Promise.reject(new Error("out of order"))
        : Promise.resolve(new Map(keys.map((key) => [key, 1])))
    );
    const [one, other] = [ask("a"), ask("b")];
    await rejects(one, { message: "out of order" });
    await rejects(other, { message: "out of order" });
    strictEqual(await ask("a"), 1);
  },
});

Deno.test({
  name: "batched() has no answer where none is given",
  permissions: "none",
  fn: async () => strictEqual(await batched(() => Promise.resolve(new Map()))("a"), undefined),
});
