/** A whole agent before a real OpenID Connect provider: who gets in, and what happens when it is gone. */

import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { decodeProtectedHeader, type JWTPayload, SignJWT } from "jose";
import { serverPermissions } from "../../agent/permissions.ts";
import { errorChain, type ErrorKind, McpError } from "../../lib/errors.ts";
import { connect } from "../../lib/rpc/client.ts";
import { realClock } from "../../lib/system/clock.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { audience, OidcServer } from "../support/oidc_server.ts";
import { ample, makeTestNode, TestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const machines = {
  ada: { roles: ["viewer", "admin"] },
  bob: { roles: ["viewer"] },
  carol: {},
};

interface Parts {
  readonly oidc: OidcServer;
  readonly clock: FakeClock;
  readonly call: (token: string) => Promise<unknown>;
}

/** An agent that lets in whom the provider vouches for. */
async function withOidc(
  test: (parts: Parts) => Promise<void>,
  { ca }: { readonly ca?: string } = {},
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  await using oidc = await OidcServer.start({ machines });
  // The provider's clock is the machine's.
  const clock = new FakeClock({ start: new Date(), autoAdvance: true });
  const config = oidcConfig(oidc, await fileWith(folder, ca ?? oidc.ca));
  await using node = await TestNode.start({ clock, config });
  await test({ oidc, clock, call: (token) => node.client(token).listServices({}, ample) });
}

/** A file with the PEM. */
async function fileWith(folder: ThrowAwayFolder, ca: string): Promise<string> {
  const file = folder.at("issuer.pem");
  await Deno.writeTextFile(file, ca);
  return file;
}

function oidcConfig({ issuer }: OidcServer, caFile: string): string {
  return `[oidc]
issuer = "${issuer}"
audience = "${audience}"
ca_cert = "${caFile}"
`;
}

async function refusalOf(call: Promise<unknown>, kind: ErrorKind): Promise<string> {
  let told = "";
  await rejects(call, (error) => {
    ok(error instanceof McpError, String(error));
    strictEqual(error.kind, kind, errorChain(error));
    told = errorChain(error);
    return true;
  });
  return told;
}

/** The claims of a token, to be signed by somebody else. */
function claimsOf(token: string): JWTPayload {
  return JSON.parse(
    new TextDecoder().decode(
      Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" }),
    ),
  );
}

Deno.test("an admin of the OIDC provider gets in, and its keys are fetched once", () =>
  withOidc(async ({ oidc, call }) => {
    for (let at = 0; at < 3; at++) await call(await oidc.accessToken("ada"));
    strictEqual(oidc.callsTo("/.well-known/openid-configuration"), 1);
    strictEqual(oidc.callsTo("/jwks"), 1);
  }));

for (const name of ["bob", "carol"] as const) {
  Deno.test(`${name}, who the OIDC provider does not say is an admin, does not get in`, () =>
    withOidc(async ({ oidc, call }) => {
      const refusal = await refusalOf(call(await oidc.accessToken(name)), "forbidden");
      match(refusal, new RegExp(`^"${name}" may not service:read`));
    }));
}

Deno.test("a token for another audience does not get in", () =>
  withOidc(async ({ oidc, call }) => {
    const token = await oidc.accessToken("ada", "https://other.example/");
    match(await refusalOf(call(token), "unauthenticated"), /another audience/);
  }));

Deno.test("a token of another provider does not get in", () =>
  withOidc(async ({ call }) => {
    await using other = await OidcServer.start({ machines });
    await refusalOf(call(await other.accessToken("ada")), "unauthenticated");
  }));

Deno.test("an expired token does not get in, though it did before", () =>
  withOidc(async ({ oidc, clock, call }) => {
    const token = await oidc.accessToken("ada");
    await call(token);
    await clock.advance(600_000 + 31_000);
    match(await refusalOf(call(token), "unauthenticated"), /it has expired/);
  }));

Deno.test("a token gets in while the clocks differ by less than 30 s, either way", () =>
  withOidc(async ({ oidc, clock, call }) => {
    const token = await oidc.accessToken("ada");
    await clock.advance(600_000 + 25_000);
    await call(token);
  }));

Deno.test("a token that was changed does not get in", () =>
  withOidc(async ({ oidc, call }) => {
    const token = await oidc.accessToken("bob");
    const { kid = "" } = decodeProtectedHeader(token);
    const [head, , signature] = token.split(".");
    const claims = { ...claimsOf(token), roles: ["admin"] };
    const encode = (value: unknown) =>
      new TextEncoder().encode(JSON.stringify(value)).toBase64({
        alphabet: "base64url",
        omitPadding: true,
      });
    using http = Deno.createHttpClient({ caCerts: [oidc.ca] });
    const published = await (await fetch(`${oidc.issuer}/jwks`, { client: http })).text();
    const byPublicKey = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid })
      .sign(new TextEncoder().encode(published));
    for (
      const forged of [
        `${head}.${encode(claims)}.${signature}`,
        `${head}.${encode(claims)}.`,
        `${encode({ alg: "none", kid })}.${encode(claims)}.`,
        byPublicKey,
      ]
    ) await refusalOf(call(forged), "unauthenticated");
  }));

Deno.test("a token by a new key gets in, and one by the withdrawn key no longer", () =>
  withOidc(async ({ oidc, clock, call }) => {
    const old = await oidc.accessToken("ada");
    await call(old);
    await oidc.rotateKeys();
    const token = await oidc.accessToken("ada");
    match(await refusalOf(call(token), "unauthenticated"), /no such key/);
    await clock.advance(30_000);
    await call(token);
    match(await refusalOf(call(old), "unauthenticated"), /no such key/);
    strictEqual(oidc.callsTo("/jwks"), 2);
  }));

Deno.test("nobody gets in before the OIDC provider was reached, and whoever it vouched for goes on when it is gone", () =>
  withOidc(async ({ oidc, clock, call }) => {
    const token = await oidc.accessToken("ada");
    const another = await oidc.accessToken("ada");
    await oidc.goDown();
    match(await refusalOf(call(token), "unavailable"), /Cannot discover the OIDC provider/);
    await oidc.comeUp();
    await call(token);
    await oidc.goDown();
    // Not remembered, and verified all the same: the keys are.
    await call(another);
    await clock.advance(300_000);
    await call(token);
  }));

Deno.test("an OIDC provider that fails lets nobody in", () =>
  withOidc(async ({ oidc, call }) => {
    const token = await oidc.accessToken("ada");
    oidc.mood = "failing";
    match(await refusalOf(call(token), "unavailable"), /it answered with status 500/);
  }));

Deno.test("an OIDC provider that hangs is given up after five seconds, once for all callers", () =>
  withOidc(async ({ oidc, call }) => {
    const token = await oidc.accessToken("ada");
    oidc.mood = "hanging";
    oidc.calls.length = 0;
    await Promise.all([1, 2, 3].map(async () => {
      match(await refusalOf(call(token), "unavailable"), /no answer within 5 s/);
    }));
    strictEqual(oidc.calls.length, 1);
  }));

Deno.test("an OIDC provider that another CA vouches for is not believed", async () => {
  await using other = await OidcServer.start();
  await withOidc(async ({ oidc, call }) => {
    const token = await oidc.accessToken("ada");
    await refusalOf(call(token), "unavailable");
    strictEqual(oidc.callsTo("/jwks"), 0);
  }, { ca: other.ca });
});

Deno.test("an agent verifies OIDC tokens with its own permissions, and without compiling anything", async () => {
  await using folder = await ThrowAwayFolder.make();
  await using oidc = await OidcServer.start({ machines });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  const { config, ca } = await makeTestNode(folder.path, realClock, {
    address,
    config: oidcConfig(oidc, await fileWith(folder, oidc.ca)),
  });
  const main = new URL("../../agent/main.ts", import.meta.url).pathname;
  const agent = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--cached-only",
      // As the unit has it: then there is no WebAssembly either.
      "--v8-flags=--jitless",
      ...serverPermissions(config),
      main,
      "server",
      `--config=${config.file}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(agent.stderr).text();
  const lines: string[] = [];
  const serving = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const text of agent.stdout.pipeThrough(new TextDecoderStream())) {
      lines.push(text);
      if (text.includes(" serves on ")) serving.resolve();
    }
    serving.reject(new Error(`The agent ended:\n${lines.join("")}`));
  })();
  try {
    await serving.promise;
    const ada = connect({
      service: McpAgent,
      address,
      ca,
      token: await oidc.accessToken("ada"),
    });
    try {
      await ada.listServices({}, ample);
    } finally {
      ada.close();
    }
    const bob = connect({ service: McpAgent, address, ca, token: await oidc.accessToken("bob") });
    try {
      await refusalOf(bob.listServices({}, ample), "forbidden");
    } finally {
      bob.close();
    }
  } finally {
    agent.kill("SIGTERM");
    await Promise.all([agent.status, reading.catch(() => {}), errors]);
  }
});
