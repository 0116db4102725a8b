import { deepStrictEqual } from "node:assert/strict";
import { HttpClient } from "./client.ts";

Deno.test({
  name: "HttpClient takes a redirect for an answer, where the well-known roots are trusted as well",
  permissions: "none",
  fn: async () => {
    const asked: unknown[] = [];
    const { fetch } = globalThis;
    // Nobody whom a well-known CA vouches for can be had in a test.
    globalThis.fetch = (url, init) => {
      asked.push([String(url), init?.redirect]);
      return Promise.resolve(
        new Response("moved", { status: 302, headers: { location: "https://elsewhere.example/" } }),
      );
    };
    try {
      using client = new HttpClient({
        ca: undefined,
        caName: "CA",
        timeoutMs: 60_000,
        maxAnswerBytes: 100,
      });
      const answer = await client.ask(new URL("https://id.example/token"), { method: "POST" });
      deepStrictEqual(answer, { status: 302, text: "moved" });
      deepStrictEqual(asked, [["https://id.example/token", "manual"]]);
    } finally {
      globalThis.fetch = fetch;
    }
  },
});
