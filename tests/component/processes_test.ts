import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { LocalVerifier } from "../../agent/door/auth/local.ts";
import { loadConfig } from "../../agent/config.ts";
import { init } from "../../agent/processes/init.ts";
import { permissions } from "../../agent/processes/permissions.ts";
import { tokenCreate, tokenList, tokenRevoke } from "../../agent/processes/token.ts";
import { Registry } from "../../agent/registry/registry.ts";
import { McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realFiles } from "../../lib/system/files.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

/** What a process printed, by line. */
async function printed(
  run: (print: (line: string) => void) => Promise<number | void>,
): Promise<readonly string[]> {
  const lines: string[] = [];
  await run((line) => lines.push(line));
  return lines;
}

function initInput(config: string, change: Partial<Parameters<typeof init.run>[0]> = {}) {
  return {
    config,
    json: false,
    nodeName: "rift",
    address: "100.95.252.120:9444",
    listen: undefined,
    serviceRoot: "/srv",
    podmanUrl: "",
    lifetime: "90d",
    ...change,
  };
}

async function withNode(
  test: (node: { readonly folder: ThrowAwayFolder; readonly config: string }) => Promise<void>,
  change: Partial<Parameters<typeof init.run>[0]> = {},
): Promise<void> {
  await using folder = await ThrowAwayFolder.make();
  const config = folder.at("mcp-agent.toml");
  await printed((print) => init.run(initInput(config, change), print));
  await test({ folder, config });
}

/** Every file below a folder with its mode. */
async function modesIn(folder: string): Promise<Record<string, string>> {
  const modes: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) {
      for (const [inner, mode] of Object.entries(await modesIn(`${folder}/${name}`))) {
        modes[`${name}/${inner}`] = mode;
      }
    } else {
      modes[name] = (((await Deno.stat(`${folder}/${name}`)).mode ?? 0) & 0o7777).toString(8);
    }
  }
  return modes;
}

async function valid(config: string, token: string): Promise<boolean> {
  const { databaseFile } = await loadConfig(realFiles, config);
  using registry = Registry.open(databaseFile);
  try {
    await new LocalVerifier(registry, realClock).verify(token);
    return true;
  } catch (error) {
    ok(error instanceof McpError && error.kind === "unauthenticated", String(error));
    return false;
  }
}

Deno.test("init makes the files of a node, secrets for nobody else to read", () =>
  withNode(async ({ folder }) => {
    deepStrictEqual(await modesIn(folder.path), {
      "certs/ca-key.pem": "600",
      "certs/ca.pem": "644",
      "certs/cert.pem": "644",
      "certs/key.pem": "600",
      "mcp-agent.toml": "640",
      "mcp.db": "600",
    });
  }));

Deno.test("init writes a config that means what it was told", () =>
  withNode(async ({ folder, config }) => {
    const read = await loadConfig(realFiles, config);
    deepStrictEqual(
      [read.nodeName, read.server.address, read.serviceRoot, read.podmanUrl, read.auth.provider],
      ["rift", "0.0.0.0:9444", "/data/services", "unix:///run/podman.sock", "local"],
    );
    strictEqual(read.databaseFile, folder.at("mcp.db"));
  }, {
    listen: "0.0.0.0:9444",
    serviceRoot: "/data/services/",
    podmanUrl: "unix:///run/podman.sock",
  }));

for (
  const [address, hosts] of [
    ["100.95.252.120:9444", "DNS:rift, IP Address:100.95.252.120"],
    ["rift.example:9444", "DNS:rift, DNS:rift.example"],
    ["rift:9444", "DNS:rift"],
  ] as const
) {
  Deno.test(`init makes the certificate out to where operators dial: ${address}`, () =>
    withNode(async ({ folder }) => {
      const certificate = new X509Certificate(await Deno.readFile(folder.at("certs/cert.pem")));
      const authority = new X509Certificate(await Deno.readFile(folder.at("certs/ca.pem")));
      deepStrictEqual(certificate.subjectAltName?.split(", ").sort().join(", "), hosts);
      ok(certificate.verify(authority.publicKey));
    }, { address, listen: "100.95.252.120:9444" }));
}

Deno.test("init prints the token once, and it is valid", async () => {
  await using folder = await ThrowAwayFolder.make();
  const config = folder.at("mcp-agent.toml");
  const lines = await printed((print) => init.run(initInput(config), print));
  const tokens = lines.join("\n").match(/mcp_[\w-]{43}/g) ?? [];
  strictEqual(tokens.length, 1);
  ok(await valid(config, tokens[0] ?? ""));
  ok(!(await Deno.readTextFile(config)).includes(tokens[0] ?? ""));
  match(
    lines.at(-1) ?? "",
    /^ {2}mcp node add rift 100\.95\.252\.120:9444 --ca-data \S+ && mcp login rift$/,
  );
});

Deno.test("init --json prints one object that a script can go on with", async () => {
  await using folder = await ThrowAwayFolder.make();
  const config = folder.at("mcp-agent.toml");
  const lines = await printed((print) => init.run(initInput(config, { json: true }), print));
  strictEqual(lines.length, 1);
  const made: Record<string, string> = JSON.parse(lines[0] ?? "");
  deepStrictEqual([made["node"], made["address"], made["config"]], [
    "rift",
    "100.95.252.120:9444",
    config,
  ]);
  ok(await valid(config, made["token"] ?? ""));
  const authority = new X509Certificate(Uint8Array.fromBase64(made["ca_data"] ?? ""));
  strictEqual(authority.subject, "CN=MCP node rift CA");
});

for (
  const existing of [
    ["mcp-agent.toml"],
    ["mcp.db"],
    ["certs/key.pem"],
    ["certs/ca-key.pem", "certs/ca.pem"],
  ]
) {
  Deno.test(`init refuses a folder with ${existing.join(" and ")}, and touches nothing`, async () => {
    await using folder = await ThrowAwayFolder.make();
    await Deno.mkdir(folder.at("certs"));
    for (const file of existing) await Deno.writeTextFile(folder.at(file), "mine");
    await rejects(
      printed((print) => init.run(initInput(folder.at("mcp-agent.toml")), print)),
      (error) => {
        ok(error instanceof McpError, String(error));
        strictEqual(error.kind, "conflict");
        deepStrictEqual(
          [...error.details].sort(),
          existing.map((file) => `${folder.at(file)} exists`).sort(),
        );
        return true;
      },
    );
    deepStrictEqual(Object.keys(await modesIn(folder.path)).sort(), [...existing].sort());
    for (const file of existing) strictEqual(await Deno.readTextFile(folder.at(file)), "mine");
  });
}

for (
  const [given, change, message] of [
    ["a node name that is none", { nodeName: "Rift" }, /"Rift" as a node name$/],
    ["an address without a port", { address: "rift" }, /"rift" as --address$/],
    ["an address to listen on without a host", { listen: ":9444" }, /":9444" as --listen$/],
    [
      "a name to listen on",
      { address: "rift.example:9444" },
      /^Cannot listen on "rift\.example:9444": it is no IP address$/,
    ],
    ["a lifetime that is none", { lifetime: "soon" }, /"soon" as a lifetime$/],
    ["no lifetime at all", { lifetime: "0d" }, /"0d" as a lifetime$/],
    ["a podman URL that is none", { podmanUrl: "tcp://localhost:1" }, /^Cannot use the config/],
  ] as const
) {
  Deno.test(`init refuses ${given} before it makes anything`, async () => {
    await using folder = await ThrowAwayFolder.make();
    const input = initInput(folder.at("mcp-agent.toml"), change);
    await rejects(printed((print) => init.run(input, print)), (error) => {
      ok(error instanceof McpError, String(error));
      strictEqual(error.kind, "invalid");
      match(error.message, message);
      return true;
    });
    deepStrictEqual(await modesIn(folder.path), {});
  });
}

Deno.test("init in a folder that cannot be made says which", async () => {
  await using folder = await ThrowAwayFolder.make();
  await Deno.writeTextFile(folder.at("file"), "");
  const input = initInput(folder.at("file/mcp-agent.toml"));
  await rejects(printed((print) => init.run(input, print)), (error) => {
    ok(error instanceof McpError, String(error));
    strictEqual(error.kind, "unavailable");
    match(error.message, /\/file\//);
    return true;
  });
});

function createInput(config: string, change: Partial<Parameters<typeof tokenCreate.run>[0]> = {}) {
  return { config, json: false, subject: "kyle", lifetime: "30d", ...change };
}

Deno.test("token create shows a valid token on a line of its own, and what it is", () =>
  withNode(async ({ config }) => {
    const lines = await printed((print) => tokenCreate.run(createInput(config), print));
    match(lines[0] ?? "", /^mcp_[\w-]{43}$/);
    ok(await valid(config, lines[0] ?? ""));
    match(lines[2] ?? "", /^Token [0-9a-f]{8} of kyle, until \d{4}-\d\d-\d\dT[\d:.]+Z\.$/);
  }));

Deno.test("token create, list and revoke --json agree about a token", () =>
  withNode(async ({ config }) => {
    const one = async (run: (print: (line: string) => void) => Promise<number | void>) => {
      const [line, ...rest] = await printed(run);
      strictEqual(rest.length, 0);
      return JSON.parse(line ?? "");
    };
    const created = await one((print) =>
      tokenCreate.run(createInput(config, { json: true, subject: "ci@build" }), print)
    );
    const { token, ...rest } = created;
    deepStrictEqual([rest.subject, rest.role, rest.state], ["ci@build", "admin", "valid"]);
    strictEqual(
      Date.parse(rest.expires_at) - Date.parse(rest.created_at),
      30 * 86_400_000,
    );
    const list = () => one((print) => tokenList.run({ config, json: true }, print));
    const before = await list();
    deepStrictEqual(before.tokens.find(({ id }: { id: string }) => id === rest.id), rest);
    strictEqual(before.tokens.length, 2);
    ok(!JSON.stringify(before).includes(token));

    deepStrictEqual(
      await one((print) => tokenRevoke.run({ config, json: true, id: rest.id }, print)),
      { id: rest.id, state: "revoked" },
    );
    const after = await list();
    strictEqual(after.tokens.find(({ id }: { id: string }) => id === rest.id).state, "revoked");
    strictEqual(await valid(config, token), false);
  }));

Deno.test("token list prints a table without a single token", () =>
  withNode(async ({ config }) => {
    const [token = ""] = await printed((print) => tokenCreate.run(createInput(config), print));
    const lines = await printed((print) => tokenList.run({ config, json: false }, print));
    strictEqual(lines[0], "ID        SUBJECT           ROLE   STATE     UNTIL");
    deepStrictEqual(
      lines.slice(1).map((line) => line.split(/ +/).slice(1, 4).join(" ")).sort(),
      ["kyle admin valid", "operator admin valid"],
    );
    ok(!lines.join("\n").includes(token.slice(4)));
  }));

Deno.test("token revoke refuses a token that is not there or revoked already", () =>
  withNode(async ({ config }) => {
    const [line = ""] = await printed((print) =>
      tokenCreate.run(createInput(config, { json: true }), print)
    );
    const { id } = JSON.parse(line);
    const revoke = (which: string) =>
      printed((print) => tokenRevoke.run({ config, json: false, id: which }, print));
    deepStrictEqual(await revoke(id), [`Revoked ${id}. A running agent refuses it within 30 s.`]);
    for (const which of [id, "00000000", "", "%"]) {
      await rejects(revoke(which), {
        kind: "not_found",
        hint: "Run `mcp-agent token list` for those there are",
      });
    }
  }));

for (
  const [given, change] of [
    ["a subject with a space", { subject: "kyle i" }],
    ["an empty subject", { subject: "" }],
    ["a subject that could move a cursor", { subject: "\u001b[2J" }],
    ["a subject that is too long", { subject: "k".repeat(65) }],
    ["a lifetime that is none", { lifetime: "-1d" }],
  ] as const
) {
  Deno.test(`token create refuses ${given}`, () =>
    withNode(async ({ config }) => {
      await rejects(printed((print) => tokenCreate.run(createInput(config, change), print)), {
        kind: "invalid",
      });
      strictEqual(
        (await printed((print) => tokenList.run({ config, json: false }, print))).length,
        2,
      );
    }));
}

Deno.test("tokens are not made on a node whose identity provider is another one", () =>
  withNode(async ({ config }) => {
    const text = await Deno.readTextFile(config);
    const changed = text.replace(
      'provider = "local"',
      'provider = "mcias"\n\n[mcias]\nserver_url = "https://mcias.example:8443"',
    );
    await Deno.writeTextFile(config, changed);
    await rejects(printed((print) => tokenCreate.run(createInput(config), print)), {
      kind: "conflict",
      message: "Cannot work with tokens of this node: its provider is mcias",
    });
  }));

for (const json of [false, true]) {
  Deno.test(`permissions prints the flags that the server needs${json ? " as JSON" : ""}`, () =>
    withNode(async ({ folder, config }) => {
      const lines = await printed((print) => permissions.run({ config, json }, print));
      const flags: string[] = json ? JSON.parse(lines[0] ?? "").flags : lines;
      deepStrictEqual(flags, [
        "--no-prompt",
        "--ignore-env",
        "--deny-import",
        "--allow-import=none.invalid",
        "--allow-run=podman",
        `--allow-read=/srv,${folder.path},/etc/subuid,/etc/subgid,/var/lib/systemd/linger`,
        `--allow-write=/srv,${folder.path}`,
        "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
        "--allow-sys=statfs,cpus,systemMemoryInfo,osUptime",
      ]);
    }));
}
