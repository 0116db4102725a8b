/** How `mcp` gets a token, keeps it alive and gives it up: with gRPC over TLS, MCIAS's stand-in and a real OIDC provider. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { serve } from "../../lib/rpc/server.ts";
import { realFiles } from "../../lib/system/files.ts";
import { ListServicesResponseSchema, McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { runMcp } from "../support/mcp_process.ts";
import { MciasServer } from "../support/mcias_server.ts";
import { OidcServer } from "../support/oidc_server.ts";
import { certificates } from "../support/scripted_node.ts";
import { now, Workstation } from "../support/workstation.ts";

const hourMs = 3_600_000;
const password = "correct-horse-battery";
const users = { kyle: { password, roles: ["admin"] }, robot: { password, roles: ["admin"] } };
const later = (ms: number) => new Date(now.getTime() + ms);

/** A node that lets everybody in, and remembers by which tokens. */
async function startNode() {
  const shown: string[] = [];
  const server = await serve({
    service: McpAgent,
    address: "127.0.0.1:0",
    identity: certificates,
    handler(call) {
      shown.push(call.header("authorization")?.replace("Bearer ", "") ?? "");
      return Promise.resolve(create(ListServicesResponseSchema));
    },
  });
  const address = `127.0.0.1:${server.port}`;
  return { address, shown, [Symbol.asyncDispose]: () => server.close(0) };
}

/** MCIAS and such a node, and a config for both. */
async function withMcias(
  test: (parts: {
    readonly home: Workstation;
    readonly mcias: MciasServer;
    readonly time: { now: Date };
    /** Runs `mcp list` at the time, with `--json` for what scripts see. */
    readonly list: (env?: { readonly MCP_TOKEN?: string }) => ReturnType<Workstation["run"]>;
    /** The tokens that the node was shown. */
    readonly shown: string[];
  }) => Promise<void>,
  auth = "",
): Promise<void> {
  const time = { now };
  await using home = new Workstation();
  await using mcias = await MciasServer.start({ users, now: () => time.now });
  await using node = await startNode();
  const { shown } = node;
  await home.write("ca.pem", certificates.ca);
  await home.write("mcias.pem", mcias.ca);
  await home.write(
    "mcp.toml",
    `[mcias]
server_url = "${mcias.url}"
ca_cert = "mcias.pem"
[auth]
${auth}
[tls]
ca_cert = "ca.pem"
[[nodes]]
name = "rift"
address = "${node.address}"
`,
  );
  const list = (env = {}) => home.run("list", { now: time.now, env });
  await test({ home, mcias, time, list, shown });
}

async function logIn(home: Workstation): Promise<string> {
  const { code, err } = await home.run("login -u kyle", { stdin: password });
  strictEqual(code, 0, err);
  return await tokenIn(home);
}

async function tokenIn(home: Workstation): Promise<string> {
  return (await home.read("token"))?.split("\n")[0] ?? "";
}

// --- Login ---

Deno.test("a one-time code may be piped in behind the password", () =>
  withMcias(async ({ home, mcias }) => {
    mcias.users.set("kyle", { password, totpCode: "123456", roles: ["admin"] });
    strictEqual((await home.run("login -u kyle", { stdin: `${password}\n` })).code, 3);
    strictEqual((await home.run("login -u kyle", { stdin: `${password}\n654321\n` })).code, 3);
    strictEqual((await home.run("login -u kyle", { stdin: `${password}\n123456\n` })).code, 0);
  }));

Deno.test("a login waits for its turn, and a lock that is held for ever ends it", () =>
  withMcias(async ({ home }) => {
    const path = join(home.folder, "token.lock");
    {
      using _lock = await realFiles.tryLock(path);
      const { code, err } = await home.run("login -u kyle", {
        stdin: password,
        sleep: () => Promise.resolve(),
      });
      strictEqual(code, 6);
      match(err, /Cannot change the token in .*: another mcp is at it/);
    }
    await logIn(home);
  }));

// --- Renewal ---

Deno.test("a command renews the stored token in the last fifth of its life, and not before", () =>
  withMcias(async ({ home, mcias, time, list, shown }) => {
    const first = await logIn(home);
    time.now = later(0.8 * hourMs - 1);
    strictEqual((await list()).code, 0);
    strictEqual(mcias.callsTo("/v1/auth/renew"), 0);
    time.now = later(0.8 * hourMs);
    const { code, err } = await list();
    deepStrictEqual([code, err], [0, ""]);
    const second = await tokenIn(home);
    ok(second !== first);
    deepStrictEqual(shown, [first, second]);
    strictEqual(await realFiles.mode(join(home.folder, "token")), 0o600);
    match(
      await home.read("token") ?? "",
      /\n2026-03-01T13:48:00\.000Z\nissued_at 2026-03-01T12:48/,
    );
    strictEqual((await list()).code, 0);
    strictEqual(mcias.callsTo("/v1/auth/renew"), 1);
  }));

for (const trouble of ["down", "failing", "refusing"] as const) {
  Deno.test(`a renewal that MCIAS, ${trouble}, does not do is told, and the old token used`, () =>
    withMcias(async ({ home, mcias, time, list, shown }) => {
      const token = await logIn(home);
      time.now = later(0.9 * hourMs);
      if (trouble === "down") await mcias.goDown();
      if (trouble === "failing") mcias.mood = "failing";
      if (trouble === "refusing") mcias.mood = () => new Response("{}", { status: 403 });
      const { code, err } = await list();
      strictEqual(code, 0, err);
      match(err, /^Warning: The token ends at 2026-03-01T13:00:00\.000Z and was not renewed: /);
      ok(!err.includes(token));
      deepStrictEqual(shown, [token]);
      strictEqual(await tokenIn(home), token);
      time.now = later(hourMs);
      const over = await list();
      strictEqual(over.code, 3);
      match(over.out, /The token in .* expired at/);
    }));
}

Deno.test("a token of an earlier version, and one pasted in, are used and not renewed", () =>
  withMcias(async ({ home, mcias, time, list }) => {
    time.now = later(0.9 * hourMs);
    await home.write("token", `old\n${later(hourMs).toISOString()}\n`, 0o600);
    strictEqual((await list()).code, 0);
    await home.write("token", "pasted\n", 0o600);
    strictEqual((await list()).code, 0);
    deepStrictEqual(mcias.calls, []);
  }));

Deno.test("a token of one MCIAS is not sent to another one to be renewed", () =>
  withMcias(async ({ home, mcias, time, list }) => {
    await logIn(home);
    const text = await home.read("token") ?? "";
    await home.write("token", text.replace(/issuer .*/, "issuer https://other.example"), 0o600);
    time.now = later(0.9 * hourMs);
    strictEqual((await list()).code, 0);
    strictEqual(mcias.callsTo("/v1/auth/renew"), 0);
  }));

Deno.test("commands that renew at the same time renew once, and lose nothing", () =>
  withMcias(async ({ home, mcias, time, list, shown }) => {
    await logIn(home);
    time.now = later(0.9 * hourMs);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => list()));
    deepStrictEqual(outcomes.map(({ code, err }) => [code, err]), outcomes.map(() => [0, ""]));
    strictEqual(mcias.callsTo("/v1/auth/renew"), 1);
    deepStrictEqual([...new Set(shown)], [await tokenIn(home)]);
  }));

Deno.test("two processes that renew at the same time renew once, and lose nothing", async () => {
  const time = new Date();
  await using home = new Workstation();
  await using mcias = await MciasServer.start({ users, tokenLifeMs: hourMs });
  await home.write("mcias.pem", mcias.ca);
  await using node = await startNode();
  await home.write("ca.pem", certificates.ca);
  await home.write(
    "mcp.toml",
    `[mcias]\nserver_url = "${mcias.url}"\nca_cert = "mcias.pem"\n[tls]\nca_cert = "ca.pem"
[[nodes]]\nname = "rift"\naddress = "${node.address}"\n`,
  );
  const token = mcias.issue("kyle", ["admin"], new Date(time.getTime() + 60_000));
  await home.write(
    "token",
    `${token}\n${new Date(time.getTime() + 60_000).toISOString()}
issued_at ${new Date(time.getTime() - hourMs).toISOString()}\nissuer ${mcias.url}\n`,
    0o600,
  );
  // Held until all of them have come as far as they can.
  mcias.mood = "held";
  const running = Promise.all([1, 2, 3].map(() => runMcp(home.home, ["list"])));
  await mcias.holding(1);
  mcias.mood = "well";
  mcias.release();
  for (const { code, err } of await running) deepStrictEqual([code, err], [0, ""]);
  strictEqual(mcias.callsTo("/v1/auth/renew"), 1);
  ok(await tokenIn(home) !== token);
});

// --- The system account ---

const account = 'username = "robot"\npassword_file = "credentials"';

Deno.test("the system account logs in when there is no token, and its token is kept and renewed", () =>
  withMcias(async ({ home, mcias, time, list, shown }) => {
    await home.write("credentials", `${password}\nand a remark\n`, 0o600);
    const { code, err, out } = await list();
    strictEqual(code, 0, err + out);
    strictEqual((await list()).code, 0);
    time.now = later(0.9 * hourMs);
    strictEqual((await list()).code, 0);
    time.now = later(3 * hourMs);
    strictEqual((await list()).code, 0);
    deepStrictEqual(mcias.calls, [
      "POST /v1/auth/login",
      "POST /v1/auth/renew",
      "POST /v1/auth/login",
    ]);
    strictEqual(new Set(shown).size, 3);
    strictEqual(await realFiles.mode(join(home.folder, "token")), 0o600);
  }, account));

Deno.test("the order is MCP_TOKEN, the node's own token, the stored one, the system account", () =>
  withMcias(async ({ home, mcias, list, shown }) => {
    await home.write("credentials", `${password}\n`, 0o600);
    await home.write("token", "stored\n", 0o600);
    await home.write("tokens/rift", "own\n", 0o600);
    await list({ MCP_TOKEN: "given" });
    await list();
    await Deno.remove(join(home.folder, "tokens", "rift"));
    await list();
    deepStrictEqual(mcias.calls, []);
    await Deno.remove(join(home.folder, "token"));
    await list();
    deepStrictEqual(shown, ["given", "own", "stored", await tokenIn(home)]);
    deepStrictEqual(mcias.calls, ["POST /v1/auth/login"]);
  }, account));

for (
  const [given, text, mode, code, told] of [
    ["a wrong password", "wrong-password", 0o600, 3, /Cannot log in as "robot"/],
    ["a password that others may read", password, 0o644, 2, /Next: Run `chmod 600 .*credentials`/],
    ["an empty file", "\n", 0o600, 2, /its first line is empty/],
    ["no file", undefined, 0o600, 2, /there is no such file/],
  ] as const
) {
  Deno.test(`the system account given ${given} does not log in, and the command ends with ${code}`, () =>
    withMcias(async ({ home, list, shown }) => {
      if (text !== undefined) await home.write("credentials", text, mode);
      const outcome = await list();
      strictEqual(outcome.code, code, outcome.out);
      match(outcome.out, told);
      if (text?.trim()) ok(!(outcome.out + outcome.err).includes(text.trim()));
      deepStrictEqual(shown, []);
      strictEqual(await home.read("token"), undefined);
    }, account));
}

Deno.test("the system account is unavailable, not refused, while MCIAS is down", () =>
  withMcias(async ({ home, mcias, list }) => {
    await home.write("credentials", password, 0o600);
    await mcias.goDown();
    strictEqual((await list()).code, 6);
  }, account));

// --- Logout ---

Deno.test("logout ends the token at MCIAS and removes the file", () =>
  withMcias(async ({ home, mcias, list }) => {
    await logIn(home);
    const { code, out } = await home.run("logout");
    strictEqual(code, 0);
    match(out, /^Forgot the token in .*token; MCIAS ended it$/m);
    strictEqual(mcias.callsTo("/v1/auth/logout"), 1);
    strictEqual(await home.read("token"), undefined);
    strictEqual((await list()).code, 3);
    const again = await home.run("logout");
    deepStrictEqual([again.code, again.out.startsWith("There is no token in ")], [0, true]);
  }));

Deno.test("logout without MCIAS removes the file all the same, and says how long the token lives", () =>
  withMcias(async ({ home, mcias }) => {
    const token = await logIn(home);
    await mcias.goDown();
    const { code, out } = await home.run("logout");
    strictEqual(code, 6);
    match(out, /it stays valid until 2026-03-01T13:00:00\.000Z: Cannot log out at MCIAS/);
    ok(!out.includes(token));
    strictEqual(await home.read("token"), undefined);
  }));

Deno.test("logout from a node forgets its token, and says how to end it", () =>
  withMcias(async ({ home, mcias }) => {
    await home.write("tokens/rift", "own\n", 0o600);
    const { code, out } = await home.run("logout rift");
    strictEqual(code, 0);
    match(out, /`mcp-agent token revoke` on rift/);
    strictEqual(await home.read("tokens/rift"), undefined);
    strictEqual((await home.run("logout rift")).code, 0);
    strictEqual((await home.run("logout rfit")).code, 4);
    deepStrictEqual(mcias.calls, []);
  }));

// --- OIDC ---

const people = { ada: { roles: ["admin"] } };

async function knowOidc(home: Workstation, oidc: OidcServer, more = ""): Promise<void> {
  await home.write("issuer.pem", oidc.ca);
  await home.write(
    "mcp.toml",
    `[oidc]\nissuer = "${oidc.issuer}"\nclient_id = "mcp"\nca_cert = "issuer.pem"\n${more}`,
  );
}

/** Logs in while somebody does this with the code that the terminal shows. */
async function logInWhile(
  home: Workstation,
  act: (userCode: string) => Promise<void>,
  options: { readonly now?: Date } = {},
) {
  let waits = 0;
  let shown = "";
  const outcome = await home.run("login", {
    ...options,
    onErr: (err) => shown = err,
    // Between two questions; the first finds a login that nobody has confirmed.
    sleep: async () => {
      if (++waits !== 2) return;
      const code = /compare the code: (\S+)/.exec(shown)?.[1];
      ok(code !== undefined, shown);
      await act(code);
    },
  });
  return { ...outcome, waits };
}

Deno.test("login at an OIDC provider shows an address and a code, and keeps what comes of it", async () => {
  await using home = new Workstation();
  await using oidc = await OidcServer.start({ people });
  await knowOidc(home, oidc);
  const { code, out, err } = await logInWhile(home, (code) => oidc.confirm(code, "ada"));
  strictEqual(code, 0, err);
  match(err, /^Open https:\/\/localhost:\d+\/device\?user_code=\S+ and compare the code: \S+$/m);
  match(out, /^Logged in at https:\/\/localhost:\d+ until 20/);
  const kept = await home.read("token") ?? "";
  match(kept, /^ey[\w.-]+\n20\S+\nissued_at 2026\S+\nissuer https:\S+\nrefresh_token \S+\n$/);
  strictEqual(await realFiles.mode(join(home.folder, "token")), 0o600);
  for (const secret of [kept.split("\n")[0] ?? "?", /refresh_token (\S+)/.exec(kept)?.[1] ?? "?"]) {
    ok(!(out + err).includes(secret));
  }
});

Deno.test("login at an OIDC provider that is refused in the browser keeps nothing", async () => {
  await using home = new Workstation();
  await using oidc = await OidcServer.start({ people });
  await knowOidc(home, oidc);
  const { code, err } = await logInWhile(home, (code) => oidc.refuse(code));
  strictEqual(code, 3);
  match(err, /Cannot log in: the login was refused in the browser/);
  strictEqual(await home.read("token"), undefined);
});

Deno.test("login at an OIDC provider ends on Ctrl-C, and when nobody comes", async () => {
  await using home = new Workstation();
  await using oidc = await OidcServer.start({ people });
  await knowOidc(home, oidc);
  const interruption = new AbortController();
  const interrupted = await home.run("login", {
    interrupted: interruption.signal,
    sleep: (_durationMs, signal) => {
      interruption.abort();
      return Promise.reject(signal?.reason);
    },
  });
  strictEqual(interrupted.code, 130);
  const late = await home.run("login", { sleep: () => Promise.resolve() });
  strictEqual(late.code, 3);
  match(late.err, /Nobody confirmed the login in time/);
});

Deno.test("an OIDC token is renewed by its refresh token, after its end as well, until logout", async () => {
  await using home = new Workstation();
  await using oidc = await OidcServer.start({ people });
  await using node = await startNode();
  const { shown } = node;
  await home.write("ca.pem", certificates.ca);
  await knowOidc(
    home,
    oidc,
    `[tls]\nca_cert = "ca.pem"\n[[nodes]]\nname = "rift"\naddress = "${node.address}"\n`,
  );
  const began = new Date();
  await logInWhile(home, (code) => oidc.confirm(code, "ada"), { now: began });
  oidc.calls.length = 0;
  const at = (seconds: number) => ({ now: new Date(began.getTime() + seconds * 1_000) });
  strictEqual((await home.run("list", at(200))).code, 0);
  strictEqual(oidc.callsTo("/token"), 0);
  const refreshToken = /refresh_token (\S+)/.exec(await home.read("token") ?? "")?.[1] ?? "";
  strictEqual((await home.run("list", at(400))).code, 0);
  strictEqual(oidc.callsTo("/token"), 1);
  ok(!(await home.read("token"))?.includes(refreshToken), "the provider rotates them");
  const expire = async (text = "") =>
    await home.write("token", text.replace(/\n20\S+/, `\n${began.toISOString()}`), 0o600);
  await expire(await home.read("token"));
  strictEqual((await home.run("list", at(1))).code, 0);
  strictEqual(oidc.callsTo("/token"), 2);
  // Made in the same second, ID tokens are the same to the letter.
  deepStrictEqual([shown.length, shown[2]], [3, await tokenIn(home)]);
  const kept = await home.read("token");
  const out = await home.run("logout", at(1));
  strictEqual(out.code, 0, out.err);
  match(out.out, /it will not be renewed, but agents accept it until it expires/);
  await expire(kept);
  const refused = await home.run("list", at(1));
  strictEqual(refused.code, 3);
  match(refused.out, /Cannot renew the token: the provider does not accept it any more/);
});
