import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createToken, hashToken, LocalVerifier } from "../../agent/door/auth/local.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { listTokens, revokeToken } from "../../agent/registry/tokens.ts";
import { McpError } from "../../lib/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const lifetimeMs = 60_000;

async function withProvider(
  test: (parts: {
    readonly registry: Registry;
    readonly clock: FakeClock;
    readonly verifier: LocalVerifier;
    readonly make: () => ReturnType<typeof createToken>;
  }) => void | Promise<void>,
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  using registry = Registry.open(folder.at("mcp.db"));
  const clock = new FakeClock();
  const make = () =>
    createToken(registry, { subject: "ada", role: "admin", lifetimeMs, now: clock.now() });
  await test({ registry, clock, verifier: new LocalVerifier(registry, clock), make });
}

/** The refusal of a token, which must not tell the token. */
async function refusalOf(verifier: LocalVerifier, token: string): Promise<string> {
  let message = "";
  await rejects(verifier.verify(token), (error) => {
    ok(error instanceof McpError);
    strictEqual(error.kind, "unauthenticated");
    match(error.hint ?? "", /^Make a new one on the node with `mcp-agent token create`/);
    ok(!Deno.inspect(error).includes(token));
    message = error.message;
    return true;
  });
  return message;
}

Deno.test("a local token speaks for its subject, with its role, until it ends", () =>
  withProvider(async ({ clock, verifier, make }) => {
    const { token, record } = make();
    const expiresAt = new Date(clock.now().getTime() + lifetimeMs);
    deepStrictEqual(record.expiresAt, expiresAt);
    deepStrictEqual(await verifier.verify(token), { subject: "ada", roles: ["admin"], expiresAt });
    await clock.advance(lifetimeMs - 1);
    await verifier.verify(token);
    await clock.advance(1);
    strictEqual(await refusalOf(verifier, token), "The token expired at 2030-01-01T00:01:00.000Z");
  }));

Deno.test("a local token that was revoked is refused, and no other one is", () =>
  withProvider(async ({ registry, clock, verifier, make }) => {
    const [one, other] = [make(), make()];
    ok(revokeToken(registry, one.record.id, clock.now()));
    strictEqual(await refusalOf(verifier, one.token), "The token was revoked");
    await verifier.verify(other.token);
  }));

Deno.test("a token that the node did not make is refused", () =>
  withProvider(async ({ verifier, make }) => {
    const { token } = make();
    for (const unknown of ["mcp_made-up", token.slice(0, -1), `${token}x`, token.toUpperCase()]) {
      strictEqual(await refusalOf(verifier, unknown), "The token is not known to this node");
    }
  }));

Deno.test("a hash of a local token is no token", () =>
  withProvider(async ({ verifier, make }) => {
    const { token } = make();
    strictEqual(await refusalOf(verifier, hashToken(token)), "The token is not known to this node");
  }));

Deno.test("local tokens can be recognized, are never alike and hold 256 bits of chance", () =>
  withProvider(({ make }) => {
    const [one, other] = [make(), make()];
    match(one.token, /^mcp_[A-Za-z0-9_-]{43}$/);
    match(one.record.id, /^[0-9a-f]{8}$/);
    notStrictEqual(one.token, other.token);
    notStrictEqual(one.record.id, other.record.id);
  }));

Deno.test("the registry holds a local token's hash and never the token", async () => {
  await using folder = await ThrowAwayFolder.make();
  const path = folder.at("mcp.db");
  const token = (() => {
    using registry = Registry.open(path);
    const made = createToken(registry, {
      subject: "ada",
      role: "admin",
      lifetimeMs,
      now: new Date(),
    });
    strictEqual(listTokens(registry).length, 1);
    return made.token;
  })();
  const bytes = new TextDecoder("latin1").decode(await Deno.readFile(path));
  ok(bytes.includes(hashToken(token)));
  ok(!bytes.includes(token) && !bytes.includes(token.slice(4)));
});
