import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { errorChain, type ErrorKind, McpError } from "../../lib/errors.ts";
import { MciasClient } from "../../lib/mcias/client.ts";
import { throwawayCertificates } from "../support/certificates.ts";
import { type MciasMood, MciasServer } from "../support/mcias_server.ts";

const password = "correct-horse-battery";
const users = {
  ada: { password, roles: ["admin"] },
  bob: { password, totpCode: "123456", roles: ["viewer"] },
};
/** Longer than any answer takes, so that a test that reaches it has failed. */
const ampleMs = 60_000;

function clientOf(server: MciasServer, { timeoutMs = ampleMs, ca = server.ca } = {}) {
  return new MciasClient({ serverUrl: server.url, ca, timeoutMs });
}

function credentials(username: string, change: { password?: string; totpCode?: string } = {}) {
  return { username, password, totpCode: undefined, serviceName: "mcp", ...change };
}

/** The error of a call that must fail, and that must not tell what is secret. */
async function failureOf(
  call: Promise<unknown>,
  kind: ErrorKind,
  secrets: readonly string[],
): Promise<McpError> {
  let failure: unknown;
  await rejects(call, (error) => (failure = error, true));
  ok(failure instanceof McpError, String(failure));
  strictEqual(failure.kind, kind);
  const told = [errorChain(failure), failure.hint, ...failure.details, Deno.inspect(failure)]
    .join("\n");
  for (const secret of secrets) ok(!told.includes(secret), `the error tells a secret: ${told}`);
  return failure;
}

Deno.test("MciasClient.login() trades a password for a token that validates", async () => {
  await using server = await MciasServer.start({ users });
  using client = clientOf(server);
  const issued = await client.login(credentials("ada"));
  const report = await client.validate(issued.token);
  deepStrictEqual(report, {
    valid: true,
    subject: "ada",
    roles: ["admin"],
    expiresAt: issued.expiresAt,
  });
  deepStrictEqual(server.calls, ["POST /v1/auth/login", "POST /v1/token/validate"]);
});

Deno.test("MciasClient.login() sends the code of a user who has one", async () => {
  await using server = await MciasServer.start({ users });
  using client = clientOf(server);
  const { token } = await client.login(credentials("bob", { totpCode: "123456" }));
  deepStrictEqual((await client.validate(token)).roles, ["viewer"]);
});

for (
  const [given, refused] of [
    ["a wrong password", credentials("ada", { password: "not-this-password" })],
    ["a user nobody knows", credentials("eve", { password: "some-other-secret" })],
    ["a wrong code", credentials("bob", { totpCode: "654321" })],
    ["no code where one is needed", credentials("bob")],
  ] as const
) {
  Deno.test(`MciasClient.login() is refused given ${given}`, async () => {
    await using server = await MciasServer.start({ users });
    using client = clientOf(server);
    const secrets = [refused.password, refused.totpCode ?? refused.password];
    const failure = await failureOf(client.login(refused), "unauthenticated", secrets);
    match(errorChain(failure), /^Cannot log in as "\w+": MCIAS does not accept/);
  });
}

Deno.test("MciasClient.validate() reports an expired token as not valid", async () => {
  let now = new Date("2030-01-01T00:00:00Z");
  await using server = await MciasServer.start({ users, now: () => now, tokenLifeMs: 60_000 });
  using client = clientOf(server);
  const { token } = await client.login(credentials("ada"));
  strictEqual((await client.validate(token)).valid, true);
  now = new Date(now.getTime() + 60_000);
  strictEqual((await client.validate(token)).valid, false);
});

Deno.test("MciasClient.validate() reports a revoked token as not valid", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"]);
  strictEqual((await client.validate(token)).valid, true);
  server.revoke(token);
  strictEqual((await client.validate(token)).valid, false);
});

Deno.test("MciasClient.validate() reports a made-up token as not valid", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  deepStrictEqual(await client.validate("made-up"), {
    valid: false,
    subject: "",
    roles: [],
    expiresAt: undefined,
  });
});

Deno.test("MciasClient.validate() takes status 401 for a token that is not valid", async () => {
  await using server = await MciasServer.start();
  server.mood = () => Response.json({ error: "invalid token" }, { status: 401 });
  using client = clientOf(server);
  strictEqual((await client.validate("made-up")).valid, false);
});

Deno.test("MciasClient.validate() hands on roles that MCP knows nothing of", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const report = await client.validate(server.issue("carol", ["barista", "guest"]));
  deepStrictEqual([report.valid, report.roles], [true, ["barista", "guest"]]);
});

Deno.test("MciasClient.renew() trades a token for one that lives longer, and the old one ends", async () => {
  let now = new Date("2030-01-01T00:00:00Z");
  await using server = await MciasServer.start({ users, now: () => now, tokenLifeMs: 60_000 });
  using client = clientOf(server);
  const first = await client.login(credentials("ada"));
  now = new Date(now.getTime() + 30_000);
  const second = await client.renew(first.token);
  deepStrictEqual(second.expiresAt, new Date("2030-01-01T00:01:30Z"));
  strictEqual((await client.validate(first.token)).valid, false);
  strictEqual((await client.validate(second.token)).subject, "ada");
});

Deno.test("MciasClient.renew() of a token that has ended is refused", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"], new Date(0));
  const failure = await failureOf(client.renew(token), "unauthenticated", [token]);
  strictEqual(errorChain(failure), "Cannot renew the token: MCIAS does not accept it");
  await failureOf(client.renew("two words"), "unauthenticated", ["two words"]);
  deepStrictEqual(server.calls, ["POST /v1/auth/renew"]);
});

Deno.test("MciasClient.logout() ends a token, and tells of one that had ended", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"]);
  strictEqual(await client.logout(token), true);
  strictEqual((await client.validate(token)).valid, false);
  strictEqual(await client.logout(token), false);
  strictEqual(await client.logout("two words"), false);
});

Deno.test("MciasClient.health() is quiet when MCIAS is well", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  await client.health();
  deepStrictEqual(server.calls, ["GET /v1/health"]);
  server.mood = "failing";
  match(errorChain(await failureOf(client.health(), "unavailable", [])), /status 500$/);
});

Deno.test("MciasClient does not take a token that would be two lines of a file", async () => {
  await using server = await MciasServer.start();
  server.mood = () => Response.json({ token: "a\nb", expires_at: "2030-01-01T00:00:00Z" });
  using client = clientOf(server);
  await failureOf(client.login(credentials("ada")), "unavailable", [password]);
});

const brokenMoods: readonly (readonly [string, MciasMood, RegExp])[] = [
  ["fails", "failing", /it answered with status 500$/],
  ["answers with a page", "garbled", /its answer is not JSON$/],
  ["answers with another shape", () => Response.json({ valid: "yes" }), /what its contract says$/],
  ["answers with a list", () => Response.json([]), /what its contract says$/],
];
for (const [given, mood, message] of brokenMoods) {
  Deno.test(`MciasClient says unavailable when MCIAS ${given}, and tells no secret`, async () => {
    await using server = await MciasServer.start({ users });
    using client = clientOf(server);
    const token = server.issue("ada", ["admin"]);
    server.mood = mood;
    for (
      const call of [
        client.login(credentials("ada")),
        client.validate(token),
        client.renew(token),
      ]
    ) {
      match(errorChain(await failureOf(call, "unavailable", [password, token])), message);
    }
  });
}

for (const mood of ["held", "stalled"] as const) {
  Deno.test(`MciasClient gives up by its own deadline when MCIAS has ${mood} the answer`, async () => {
    await using server = await MciasServer.start({ users });
    using client = clientOf(server, { timeoutMs: 50 });
    const token = server.issue("ada", ["admin"]);
    server.mood = mood;
    for (
      const call of [
        client.login(credentials("ada")),
        client.validate(token),
        client.renew(token),
        client.logout(token),
      ]
    ) {
      const failure = await failureOf(call, "unavailable", [password, token]);
      match(errorChain(failure), /: no answer within 0.05 s$/);
    }
  });
}

Deno.test("MciasClient.validate() is called off by its signal", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"]);
  server.mood = "held";
  const abort = new AbortController();
  const validation = client.validate(token, abort.signal);
  await server.holding(1);
  abort.abort();
  await failureOf(validation, "unavailable", [token]);
});

Deno.test("MciasClient waits for a slow answer", async () => {
  await using server = await MciasServer.start();
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"]);
  server.mood = "held";
  const validation = client.validate(token);
  await server.holding(1);
  server.release();
  strictEqual((await validation).valid, true);
});

Deno.test("MciasClient says unavailable while MCIAS is down, and works when it is back", async () => {
  await using server = await MciasServer.start({ users });
  using client = clientOf(server);
  const token = server.issue("ada", ["admin"]);
  await server.goDown();
  for (const call of [client.login(credentials("ada")), client.validate(token)]) {
    await failureOf(call, "unavailable", [password, token]);
  }
  server.comeUp();
  strictEqual((await client.validate(token)).valid, true);
});

Deno.test("MciasClient refuses an MCIAS that another CA vouches for", async () => {
  await using server = await MciasServer.start({ users });
  const { ca } = await throwawayCertificates();
  using client = clientOf(server, { ca });
  for (const call of [client.login(credentials("ada")), client.validate("some-secret-token")]) {
    await failureOf(call, "unavailable", [password, "some-secret-token"]);
  }
  deepStrictEqual(server.calls, []);
});

Deno.test("MciasClient refuses an MCIAS whose certificate is for another host", async () => {
  const certificates = await throwawayCertificates({ hosts: ["mcias.example"] });
  await using server = await MciasServer.start({ certificates });
  using client = clientOf(server);
  await failureOf(client.validate("some-secret-token"), "unavailable", ["some-secret-token"]);
  deepStrictEqual(server.calls, []);
});

for (
  const [given, ownCa, told, calls] of [
    ["a CA of its own, instead of the well-known roots", true, "unavailable", 0],
    ["the well-known roots when it has no CA of its own", false, "not valid", 1],
  ] as const
) {
  Deno.test(`MciasClient trusts ${given}`, async () => {
    await using server = await MciasServer.start();
    const ca = ownCa ? (await throwawayCertificates()).ca : undefined;
    const root = await Deno.makeTempFile({ suffix: ".pem" });
    try {
      await Deno.writeTextFile(root, server.ca);
      const module = JSON.stringify(import.meta.resolve("../../lib/mcias/client.ts"));
      const options = JSON.stringify({ serverUrl: server.url, ca, timeoutMs: ampleMs });
      const script = `import { MciasClient } from ${module};
        using client = new MciasClient(${options});
        await client.validate("some-secret-token").then(
          ({ valid }) => console.log(valid ? "valid" : "not valid"),
          ({ kind }) => console.log(kind),
        );`;
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        // Nothing but the one address: the client gets by with that.
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          `--config=${join(import.meta.dirname ?? "", "../../deno.json")}`,
          `--allow-net=${new URL(server.url).host}`,
          `data:application/typescript;base64,${btoa(script)}`,
        ],
        // Makes the server's CA one of Deno's well-known roots.
        env: { DENO_CERT: root },
      }).output();
      strictEqual(new TextDecoder().decode(stdout), `${told}\n`, new TextDecoder().decode(stderr));
      strictEqual(server.calls.length, calls);
    } finally {
      await Deno.remove(root);
    }
  });
}

Deno.test("MciasClient sends a token nowhere but to the operator's MCIAS", async () => {
  await using server = await MciasServer.start();
  await using elsewhere = await MciasServer.start({ certificates: server.certificates });
  server.mood = () =>
    new Response(null, {
      status: 307,
      headers: { location: `${elsewhere.url}/v1/token/validate` },
    });
  using client = clientOf(server);
  const failure = await failureOf(client.validate("some-token"), "unavailable", ["some-token"]);
  match(errorChain(failure), /it answered with status 307$/);
  deepStrictEqual(elsewhere.calls, []);
});

Deno.test("MciasClient dials an IP address that the certificate is for", async () => {
  await using server = await MciasServer.start();
  const serverUrl = server.url.replace("localhost", "127.0.0.1");
  using client = new MciasClient({ serverUrl, ca: server.ca, timeoutMs: ampleMs });
  strictEqual((await client.validate(server.issue("ada", ["admin"]))).subject, "ada");
});

Deno.test("MciasClient reads no endless answer", async () => {
  await using server = await MciasServer.start();
  server.mood = () => new Response("x".repeat(65_537));
  using client = clientOf(server);
  const failure = await failureOf(client.validate("some-token"), "unavailable", ["some-token"]);
  match(errorChain(failure), /its answer is over 65536 bytes$/);
});

for (
  const token of ["", "two words", "line\nfeed", "l\u00f6wenzahn", "\u{1f511}-emoji-key", "nul\0"]
) {
  Deno.test(`MciasClient.validate() asks nobody about ${JSON.stringify(token)}`, async () => {
    await using server = await MciasServer.start();
    using client = clientOf(server);
    strictEqual((await client.validate(token)).valid, false);
    deepStrictEqual(server.calls, []);
  });
}

for (const serverUrl of ["", "mcias.example:8443", "http://mcias.example:8080"]) {
  Deno.test(`MciasClient refuses the address ${JSON.stringify(serverUrl)}`, () => {
    throws(() => new MciasClient({ serverUrl, ca: undefined, timeoutMs: ampleMs }), {
      kind: "invalid",
    });
  });
}

for (
  const ca of [
    "",
    "no certificate",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  ]
) {
  Deno.test(`MciasClient refuses the CA ${JSON.stringify(ca)}`, () => {
    const serverUrl = "https://mcias.example";
    throws(() => new MciasClient({ serverUrl, ca, timeoutMs: ampleMs }), { kind: "invalid" });
  });
}
