import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { FakeClock } from "../../../tests/support/fake_clock.ts";
import { CachedVerifier } from "./cached.ts";
import type { Caller, TokenVerifier } from "./caller.ts";

const ada: Caller = { subject: "ada", roles: ["admin"], expiresAt: undefined };

/** A provider that answers as told, and how often it was asked for which token. */
function provider(answer: (token: string) => Promise<Caller>) {
  const asked: string[] = [];
  const verifier: TokenVerifier = {
    verify(token) {
      asked.push(token);
      return answer(token);
    },
  };
  return { asked, verifier };
}

Deno.test({
  name: "CachedVerifier.verify() believes an answer for 30 s, and not a millisecond longer",
  permissions: "none",
  fn: async () => {
    const clock = new FakeClock();
    const { asked, verifier } = provider(() => Promise.resolve(ada));
    const cached = new CachedVerifier(verifier, clock);
    deepStrictEqual(await cached.verify("a"), ada);
    await clock.advance(29_999);
    deepStrictEqual(await cached.verify("a"), ada);
    strictEqual(asked.length, 1);
    await clock.advance(1);
    await cached.verify("a");
    strictEqual(asked.length, 2);
    await clock.advance(29_999);
    await cached.verify("a");
    strictEqual(asked.length, 2);
  },
});

Deno.test({
  name: "CachedVerifier.verify() asks again when the clock was set, forwards or back",
  permissions: "none",
  fn: async () => {
    for (const byMs of [86_400_000, -86_400_000]) {
      const clock = new FakeClock();
      const { asked, verifier } = provider(() => Promise.resolve(ada));
      const cached = new CachedVerifier(verifier, clock);
      await cached.verify("a");
      clock.jump(byMs);
      await cached.verify("a");
      await cached.verify("a");
      strictEqual(asked.length, 2);
    }
  },
});

Deno.test({
  name: "CachedVerifier.verify() does not believe a token longer than it lives",
  permissions: "none",
  fn: async () => {
    const clock = new FakeClock();
    const expiresAt = new Date(clock.now().getTime() + 10_000);
    const { asked, verifier } = provider(() => Promise.resolve({ ...ada, expiresAt }));
    const cached = new CachedVerifier(verifier, clock);
    await cached.verify("a");
    await clock.advance(9_999);
    await cached.verify("a");
    strictEqual(asked.length, 1);
    await clock.advance(1);
    await cached.verify("a");
    strictEqual(asked.length, 2);
  },
});

Deno.test({
  name: "CachedVerifier.verify() keeps the answers for different tokens apart",
  permissions: "none",
  fn: async () => {
    const { asked, verifier } = provider((token) => Promise.resolve({ ...ada, subject: token }));
    const cached = new CachedVerifier(verifier, new FakeClock());
    const tokens = ["a", "b", "a", "b"];
    const callers = await Promise.all(tokens.map((token) => cached.verify(token)));
    deepStrictEqual(callers.map(({ subject }) => subject), tokens);
    deepStrictEqual(asked, ["a", "b"]);
  },
});

Deno.test({
  name: "CachedVerifier.verify() asks once for callers that bring one token at the same time",
  permissions: "none",
  fn: async () => {
    const { promise, resolve } = Promise.withResolvers<Caller>();
    const { asked, verifier } = provider(() => promise);
    const cached = new CachedVerifier(verifier, new FakeClock());
    const all = Promise.all([cached.verify("a"), cached.verify("a"), cached.verify("a")]);
    resolve(ada);
    deepStrictEqual(await all, [ada, ada, ada]);
    deepStrictEqual(asked, ["a"]);
  },
});

for (const kind of ["unauthenticated", "unavailable"] as const) {
  Deno.test({
    name: `CachedVerifier.verify() does not remember that a token was ${kind}`,
    permissions: "none",
    fn: async () => {
      let isRefused = true;
      const { asked, verifier } = provider(() =>
        isRefused ? Promise.reject(new McpError(kind, "No")) : Promise.resolve(ada)
      );
      const cached = new CachedVerifier(verifier, new FakeClock());
      // Those who ask together are refused together.
      const both = [cached.verify("a"), cached.verify("a")];
      for (const asking of both) await rejects(asking, { kind });
      strictEqual(asked.length, 1);
      isRefused = false;
      deepStrictEqual(await cached.verify("a"), ada);
      strictEqual(asked.length, 2);
    },
  });
}

Deno.test({
  name: "CachedVerifier.verify() goes on believing what it knows while the provider is unreachable",
  permissions: "none",
  fn: async () => {
    const clock = new FakeClock();
    let isDown = false;
    const { verifier } = provider(() =>
      isDown ? Promise.reject(new McpError("unavailable", "No")) : Promise.resolve(ada)
    );
    const cached = new CachedVerifier(verifier, clock);
    await cached.verify("a");
    isDown = true;
    await clock.advance(29_000);
    deepStrictEqual(await cached.verify("a"), ada);
    await clock.advance(1_000);
    await rejects(cached.verify("a"), { kind: "unavailable" });
  },
});

Deno.test({
  name: "CachedVerifier.verify() keeps a thousand answers, and gives the oldest up for a new one",
  permissions: "none",
  fn: async () => {
    const { asked, verifier } = provider(() => Promise.resolve(ada));
    const cached = new CachedVerifier(verifier, new FakeClock());
    for (let at = 0; at < 1_001; at++) await cached.verify(`token ${at}`);
    await cached.verify("token 1");
    strictEqual(asked.length, 1_001);
    await cached.verify("token 0");
    strictEqual(asked.length, 1_002);
  },
});
