import { deepStrictEqual, rejects } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import type { Node } from "../settings/config.ts";
import { askInParts } from "./fan_out.ts";

const nodes: readonly Node[] = ["a", "b", "c", "d"].map((name) => ({
  name,
  address: `${name}:1`,
  caCert: undefined,
}));

/** Nodes that answer when they are told to, and a clock whose sleeps end when they are told to. */
function scripted() {
  const answers = new Map<string, PromiseWithResolvers<unknown>>();
  const sleeps: { readonly ms: number; readonly end: () => void }[] = [];
  const interruption = new AbortController();
  const settled = async () => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };
  return {
    interruption,
    deps: {
      agents: {
        ask<Answer>(node: Node): Promise<Answer> {
          const answer = Promise.withResolvers<unknown>();
          answers.set(node.name, answer);
          return answer.promise as Promise<Answer>;
        },
      },
      clock: {
        sleep: (ms: number, signal?: AbortSignal) =>
          new Promise<void>((end, reject) => {
            sleeps.push({ ms, end });
            signal?.addEventListener("abort", () => reject(signal.reason));
          }),
      },
      progress: {
        isDrawn: false,
        during: <Result>(_labels: unknown, work: Promise<Result>) => work,
        say() {},
      },
      interrupted: interruption.signal,
    },
    async answer(...names: readonly string[]) {
      await settled();
      for (const name of names) answers.get(name)?.resolve(name.toUpperCase());
      await settled();
    },
    async fail(name: string, error: Error) {
      await settled();
      answers.get(name)?.reject(error);
      await settled();
    },
    /** No other node has answered for a moment. */
    async lull() {
      for (const { ms, end } of sleeps) if (ms < 1_000) end();
      await settled();
    },
  };
}

const parts = ({ deps }: ReturnType<typeof scripted>) =>
  askInParts<string>(deps, nodes, () => Promise.reject(new Error("not asked")), {
    timeoutMs: 1,
  });
const values = (part: readonly { readonly value: string }[]) => part.map(({ value }) => value);

Deno.test({
  name: "askInParts() tells in the order of the nodes what has come before a lull, then the rest",
  permissions: "none",
  async fn() {
    const script = scripted();
    const telling = parts(script);
    const first = telling.next();
    await script.answer("c", "a");
    await script.lull();
    deepStrictEqual(values((await first).value as never), ["A", "C"]);
    const second = telling.next();
    await script.answer("d");
    await script.lull();
    deepStrictEqual(values((await second).value as never), ["D"]);
    const last = telling.next();
    const error = new McpError("unavailable", "It is dead");
    await script.fail("b", error);
    deepStrictEqual(await last, {
      done: true,
      value: nodes.map((node) =>
        node.name === "b" ? { node, error } : { node, value: node.name.toUpperCase() }
      ),
    });
  },
});

Deno.test({
  name: "askInParts() tells nothing before somebody lives, and all at once when all have answered",
  permissions: "none",
  async fn() {
    const script = scripted();
    const telling = parts(script);
    const first = telling.next();
    await script.fail("b", new McpError("unavailable", "It is dead"));
    await script.lull();
    await script.answer("d", "c", "a");
    deepStrictEqual(values((await first).value as never), ["A", "C", "D"]);
    deepStrictEqual((await telling.next()).done, true);
  },
});

Deno.test({
  name: "askInParts() ends with a defect, and with Ctrl-C",
  permissions: "none",
  async fn() {
    const broken = scripted();
    const first = parts(broken).next();
    await broken.fail("a", new TypeError("a defect"));
    await rejects(first, { message: "a defect" });

    const interrupted = scripted();
    const second = parts(interrupted).next();
    interrupted.interruption.abort();
    for (const { name } of nodes) {
      await interrupted.fail(name, new McpError("unavailable", "The call was called off"));
    }
    await rejects(second, { name: "Interrupted" });
  },
});
