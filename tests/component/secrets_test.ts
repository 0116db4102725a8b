/**
 * No token, no password and no value of a service's secret is told to anybody: not by the screens and the log, not by the registry
 * with its audit, not by a file that is not meant to hold it, and not by the list of processes.
 *
 * Real agents and a real `mcp`, each with the permissions it has in earnest, before every identity
 * provider there is: what succeeds, what is refused, and what cannot be asked.
 */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { realFiles } from "../../lib/system/files.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { runMcp } from "../support/mcp_process.ts";
import { MciasServer } from "../support/mcias_server.ts";
import { OidcServer } from "../support/oidc_server.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const password = "correct-horse-battery-staple";
const wrongPassword = "wrong-horse-battery-staple";
const totpCode = "918273645";
const strayToken = "stray-token-that-nobody-issued";
const secretValue = "value-of-a-secret-that-a-container-mounts";

/** Keeps secrets as podman does, in a file that only it knows, and can do nothing else. */
const podmanStub = `#!/bin/sh
mkdir -p "$0.kept"
case "$1 $2" in
  "ps --all") echo "[]" ;;
  "secret ls") ls "$0.kept" ;;
  "secret create") cat > "$0.kept/$3" ;;
  *) echo "Error: this podman cannot $*" >&2; exit 125 ;;
esac
`;

/** One agent and one workstation, watched. */
class Watched implements AsyncDisposable {
  readonly node: ProcessNode;
  readonly home: ThrowAwayFolder;
  readonly secrets = new Set([password, wrongPassword, totpCode, strayToken, secretValue]);
  /** What was found to be told, and by what. */
  readonly #told: string[] = [];
  readonly #texts: { readonly from: string; readonly text: string }[] = [];
  readonly #watching = new AbortController();
  readonly #commandLines = new Set<string>();
  readonly #watch: Promise<void>;
  readonly #agent: ReturnType<ProcessNode["start"]>;

  private constructor(node: ProcessNode, home: ThrowAwayFolder) {
    this.node = node;
    this.home = home;
    this.#agent = node.start();
    this.#watch = this.#watchProcesses();
    this.secrets.add(node.adminToken);
  }

  /**
   * @param agentToml The provider's table for the agent.
   * @param cliToml The same for the workstation.
   * @param ca Of the provider; the file "provider.pem" beside the workstation's config and in its home.
   */
  static async start(
    { agentToml, cliToml, ca, podman = "" }: {
      readonly agentToml: (folder: string) => string;
      readonly cliToml: string;
      readonly ca: string;
      /** A script that stands in for podman; none, so that it cannot be asked, unless it is said. */
      readonly podman?: string;
    },
  ): Promise<Watched> {
    const home = await ThrowAwayFolder.make();
    await Deno.writeTextFile(home.at("provider.pem"), ca);
    if (podman !== "") {
      await Deno.mkdir(home.at("podman"));
      await Deno.writeTextFile(home.at("podman/podman"), podman, { mode: 0o755 });
    }
    // No container is meant here: a runtime that cannot be asked tells its own errors.
    const runtime = podman === "" ? "/bin/false" : home.at("podman/podman");
    const node = await ProcessNode.make({
      config: agentToml(home.path),
      agentConfig: `container_runtime = "${runtime}"`,
    });
    const watched = new Watched(node, home);
    const write = (path: string, text: string, mode = 0o644) =>
      realFiles.writeText(home.at(`.config/mcp/${path}`), text, { mode });
    await write("ca.pem", node.ca);
    await write("provider.pem", ca);
    await write("credentials", `${password}\n`, 0o600);
    await write(
      "services/shop.toml",
      'name = "shop"\nnode = "rift"\n[[components]]\nname = "web"\nimage = "localhost/web:v1"\n' +
        'secrets = [{ name = "key", file = "../key" }]\n',
    );
    await write("key", secretValue, 0o600);
    await write(
      "mcp.toml",
      `${cliToml}[tls]\nca_cert = "ca.pem"\n[[nodes]]\nname = "rift"\naddress = "${node.address}"\n`,
    );
    await watched.#agent.serving();
    return watched;
  }

  /** Runs `mcp`, and keeps what it says. */
  async mcp(line: string, options: Parameters<typeof runMcp>[2] = {}): Promise<number> {
    const outcome = await runMcp(this.home.path, line.split(" "), options);
    this.#texts.push({ from: `mcp ${line}`, text: outcome.out + outcome.err });
    await this.learn();
    return outcome.code;
  }

  /** Takes what the token file holds for secrets from here on. */
  async learn(): Promise<string> {
    const text = await realFiles.readText(this.home.at(".config/mcp/token")) ?? "";
    const [token = ""] = text.split("\n");
    const refreshToken = /refresh_token (\S+)/.exec(text)?.[1];
    for (const secret of [token, refreshToken ?? ""]) if (secret !== "") this.secrets.add(secret);
    return token;
  }

  /** Ends the agent, and fails the test if anything was told. */
  async judge(): Promise<void> {
    this.#agent.signal("SIGTERM");
    await this.#agent.ended();
    this.#watching.abort();
    await this.#watch;
    this.#texts.push(
      { from: "the agent's log", text: JSON.stringify(this.#agent.entries) },
      { from: "the agent's standard error", text: await this.#agent.stderr() },
      { from: "a command line", text: [...this.#commandLines].join("\n") },
    );
    for (const folder of [this.node.folder, this.home.path]) {
      for await (const file of filesBelow(folder)) {
        if (/\/mcp\/(token|tokens\/rift|credentials|key)$/.test(file)) continue;
        if (/\/podman\.kept\//.test(file)) continue;
        // The registry and its log as bytes: in no table, nor in what was deleted from one.
        this.#texts.push({ from: file, text: latin1.decode(await Deno.readFile(file)) });
      }
    }
    ok(this.#texts.length > 10);
    ok(this.#commandLines.size > 3, "the processes were seen");
    match(
      this.#texts.find(({ from }) => from.endsWith("/mcp.db"))?.text ?? "",
      /ListServices/,
    );
    for (const { from, text } of this.#texts) {
      for (const secret of this.secrets) if (text.includes(secret)) this.#told.push(from);
    }
    deepStrictEqual(this.#told, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watching.abort();
    await this.#watch;
    await this.node[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }

  /** Looks at the command lines of all processes over and over: a secret is there for moments only. */
  async #watchProcesses(): Promise<void> {
    while (!this.#watching.signal.aborted) {
      for await (const { name } of Deno.readDir("/proc")) {
        if (!/^\d+$/.test(name)) continue;
        const text = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
        if (text !== "") this.#commandLines.add(text.replaceAll("\0", " "));
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const latin1 = new TextDecoder("latin1");

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}

/** What an operator does all day, with the token that there is, and what comes of the first of it. */
async function work(watched: Watched, listCode: number, token?: string): Promise<void> {
  const env = token === undefined ? {} : { MCP_TOKEN: token };
  strictEqual(await watched.mcp("list", { env }), listCode);
  for (const line of ["status --json", "deploy shop"]) await watched.mcp(line, { env });
}

Deno.test("no token and no password is told with the provider local", async () => {
  await using watched = await Watched.start({ agentToml: () => "", cliToml: "", ca: "" });
  strictEqual(await watched.mcp("login rift", { stdin: `${strayToken}\n` }), 3);
  strictEqual(await watched.mcp("login rift", { stdin: `${watched.node.adminToken}\n` }), 0);
  await work(watched, 0);
  await work(watched, 3, strayToken);
  await work(watched, 2, `${strayToken} in two words`);
  strictEqual(await watched.mcp("logout rift"), 0);
  await work(watched, 3);
  await watched.judge();
});

Deno.test("no value of a secret is told on its way from its file to podman's standard input", async () => {
  await using watched = await Watched.start({
    agentToml: () => "",
    cliToml: "",
    ca: "",
    podman: podmanStub,
  });
  const { adminToken } = watched.node;
  for (
    const [line, code] of [
      ["plan shop", 6],
      ["deploy shop", 8],
      ["deploy shop --json", 8],
      ["list", 0],
      ["status", 0],
      ["history shop", 0],
      ["service show shop --json", 0],
    ] as const
  ) strictEqual(await watched.mcp(line, { env: { MCP_TOKEN: adminToken } }), code, line);
  strictEqual(
    await realFiles.readText(watched.home.at("podman/podman.kept/mcp.shop.key.1")),
    secretValue,
  );
  await watched.judge();
});

Deno.test("no token and no password is told with the provider MCIAS", async () => {
  await using mcias = await MciasServer.start({
    users: {
      kyle: { password, totpCode, roles: ["admin"] },
      robot: { password, roles: ["admin"] },
      guest: { password, roles: ["guest"] },
    },
  });
  const table = `[mcias]\nserver_url = "${mcias.url}"\n`;
  await using watched = await Watched.start({
    agentToml: (folder) => `${table}ca_cert = "${folder}/provider.pem"\n`,
    cliToml: `${table}ca_cert = "provider.pem"
[auth]\nusername = "robot"\npassword_file = "credentials"\n`,
    ca: mcias.ca,
  });
  const login = (user: string, stdin: string) => watched.mcp(`login -u ${user}`, { stdin });
  strictEqual(await login("kyle", wrongPassword), 3);
  strictEqual(await login("kyle", `${password}\n${totpCode}\n`), 0);
  await work(watched, 0);
  strictEqual(await login("guest", password), 0);
  await work(watched, 3);
  await work(watched, 3, strayToken);
  strictEqual(await watched.mcp("logout"), 0);
  // Now the system account takes over.
  await work(watched, 0);
  for (const mood of ["failing", "garbled"] as const) {
    mcias.mood = mood;
    strictEqual(await login("robot", password), 6);
    const token = mcias.issue("robot", ["admin"]);
    watched.secrets.add(token);
    await work(watched, 6, token);
  }
  await mcias.goDown();
  strictEqual(await watched.mcp("logout"), 6);
  await work(watched, 6);
  await watched.judge();
});

Deno.test("no token and no password is told with an OIDC provider", async () => {
  await using oidc = await OidcServer.start({ people: { ada: { roles: ["admin"] } } });
  const table = `[oidc]\nissuer = "${oidc.issuer}"\n`;
  await using watched = await Watched.start({
    agentToml: (folder) => `${table}audience = "mcp"\nca_cert = "${folder}/provider.pem"\n`,
    cliToml: `${table}client_id = "mcp"\nca_cert = "provider.pem"\n`,
    ca: oidc.ca,
  });
  await work(watched, 3);
  let isConfirmed = false;
  const code = await watched.mcp("login", {
    onErr: async (err) => {
      const userCode = /compare the code: (\S+)\n/.exec(err)?.[1];
      if (userCode === undefined || isConfirmed) return;
      isConfirmed = true;
      await oidc.confirm(userCode, "ada");
    },
  });
  strictEqual(code, 0);
  await work(watched, 0);
  const token = await watched.learn();
  const [head = "", body = "", signature = ""] = token.split(".");
  for (const part of [body, signature]) watched.secrets.add(part);
  for (
    const forged of [`${head}.${body}.${signature.toLowerCase()}`, `${head}.${body}.`, strayToken]
  ) {
    watched.secrets.add(forged);
    await work(watched, 3, forged);
  }
  oidc.mood = "failing";
  strictEqual(await watched.mcp("logout"), 6);
  await oidc.goDown();
  strictEqual(await watched.mcp("login"), 6);
  // Whoever has a token gets in: the agent has the keys.
  await work(watched, 0, token);
  await watched.judge();
});
