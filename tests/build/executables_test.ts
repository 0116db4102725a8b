/**
 * What `deno task build` has made, as it would be carried to another machine.
 *
 * @module
 */

import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { builtPrograms } from "../support/built_programs.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

const { mcp, agent } = await builtPrograms();
const repository = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** One home for all tests: each executable is unpacked into it once. */
let place: ThrowAwayFolder;
Deno.test.beforeAll(async () => {
  place = await ThrowAwayFolder.make();
  await Deno.mkdir(place.at("home"));
});
Deno.test.afterAll(async () => await place[Symbol.asyncDispose]());

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly home?: string;
  readonly stdin?: string;
}

function command(program: string, args: readonly string[], options: RunOptions) {
  return new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd ?? "/",
    // No Deno on the PATH, and no cache but its own.
    env: { PATH: "/usr/bin:/bin", HOME: options.home ?? place.at("home"), NO_COLOR: "1" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = command(program, args, options).spawn();
  const writer = child.stdin.getWriter();
  // A command that asks for nothing may have ended already.
  await writer.write(new TextEncoder().encode(options.stdin ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  const [{ code }, out, err] = await Promise.all([
    child.status,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err };
}

/** Runs and must succeed. */
async function said(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, out, err } = await run(program, args, options);
  strictEqual(code, 0, `${args.join(" ")}: ${err}`);
  return out;
}

/** The folder that an executable was unpacked into. */
async function runtimeOf(program: string): Promise<string> {
  const text = new TextDecoder().decode((await Deno.readFile(program)).subarray(0, 20_000));
  const hash = /lib\/mcp\/([0-9a-f]{32})/.exec(text)?.[1];
  await said(program, ["--version"]);
  return place.at(`home/.cache/mcp/${hash}`);
}

Deno.test("the executables say their version, their commit and how they were made", async () => {
  const build = /0\.1\.0 \(([0-9a-f]{7}(-dirty)?|unknown commit), (self-contained|compiled)\)\n$/;
  match(await said(mcp, ["--version"]), new RegExp(`^mcp ${build.source}`));
  match(await said(agent, ["--version"]), new RegExp(`^mcp-agent ${build.source}`));
});

Deno.test("the executables help, and end as their sources do when they are misused", async () => {
  match(await said(mcp, ["--help"]), /mcp deploy/);
  match(await said(agent, ["token", "create", "--help"]), /--lifetime/);
  match(await said(agent, ["completion", "bash"]), /complete/);
  const bogus = await run(mcp, ["bogus"]);
  deepStrictEqual([bogus.code, bogus.out], [2, ""]);
  strictEqual((await run(agent, ["bogus"])).code, 2);
  strictEqual((await run(agent, ["permissions", "--config", "/nowhere.toml"])).code, 4);
  strictEqual((await run(agent, ["server", "--config", "/nowhere.toml"])).code, 4);
});

Deno.test("a built agent and a built CLI talk to each other", async () => {
  const node = place.at("node");
  const config = `${node}/mcp-agent.toml`;
  const address = `127.0.0.1:${freePort()}`;
  await Deno.mkdir(place.at("srv"));
  const made = JSON.parse(
    await said(agent, [
      ...["init", "--json", "--config", config, "--node-name", "rift", "--address", address],
      // Nobody listens there: what is asked here needs no containers.
      ...["--service-root", place.at("srv"), "--podman-url", `unix://${place.at("none.sock")}`],
    ]),
  );
  await said(mcp, made.node_add.split(" ").slice(1));
  const logIn = () => run(mcp, ["login", "rift"], { stdin: `${made.token}\n` });
  strictEqual((await logIn()).code, 6);

  const flags = (await said(agent, ["permissions", "--config", config])).trim().split("\n");
  for (const given of [[], flags]) {
    await using server = await serving([...given, "server", "--config", config]);
    strictEqual((await logIn()).code, 0);
    deepStrictEqual(JSON.parse(await said(mcp, ["list", "--json"])), {
      nodes: [{ name: "rift", services: [] }],
    });
    strictEqual(await server.stopped(), 0);
  }
});

/** Starts the built agent, and waits until it serves. */
async function serving(args: readonly string[]) {
  const child = command(agent, args, {}).spawn();
  await child.stdin.close();
  const error = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let log = "";
  const reader = lines.getReader();
  while (!log.includes(" serves on ")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The agent ended: ${log}${await error}`);
    log += value;
  }
  reader.releaseLock();
  const rest = new Response(lines.pipeThrough(new TextEncoderStream())).text();
  const stopped = async () => {
    child.kill("SIGTERM");
    const [{ code }] = await Promise.all([child.status, rest, error]);
    return code;
  };
  let code: Promise<number> | undefined;
  return {
    stopped: () => code ??= stopped(),
    [Symbol.asyncDispose]: async () => void await (code ??= stopped()),
  };
}

Deno.test("no config, package or setting of the folder or the home has a say", async () => {
  await using hostile = await ThrowAwayFolder.make();
  const files: Readonly<Record<string, string>> = {
    "deno.json": "{ this is no JSON",
    "package.json": '{ "type": "commonjs", "imports": { "#x": 1 }, "dependencies": 3 ',
    ".npmrc": "registry=http://127.0.0.1:1/\nalways-auth=true\n",
    "deno.lock": "<<<<<<<",
    ".env": "MCP_TOKEN=stolen\nHOME=/nowhere\n",
    "tsconfig.json": "{",
    "main.js": 'throw new Error("not this one")',
  };
  const writeEverywhere = async (files: Readonly<Record<string, string>>) => {
    for (const folder of [".", "home", "home/.cache", "home/.cache/mcp"]) {
      await Deno.mkdir(hostile.at(folder), { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        await Deno.writeTextFile(hostile.at(`${folder}/${name}`), text);
      }
    }
  };
  await writeEverywhere(files);
  const surroundings = { cwd: hostile.path, home: hostile.at("home") };
  for (const program of [mcp, agent]) {
    for (const args of [["--version"], ["--help"], ["bogus"]]) {
      const { code, out, err } = await run(program, args, surroundings);
      deepStrictEqual({ code, out, err }, await run(program, args));
    }
  }
  // This one loads a part of the program while it runs.
  const node = ["--node-name", "rift", "--address", "127.0.0.1:9444", "--config", "n/agent.toml"];
  match(await said(agent, ["init", ...node], surroundings), /Node rift is made/);
  // What was not to be read before can be read now, and would change what runs.
  const valid: Readonly<Record<string, string>> = {
    "deno.json": '{ "imports": { "node:path": "./main.js", "node:buffer": "./main.js" } }',
    "package.json": '{ "type": "commonjs" }',
  };
  await writeEverywhere(valid);
  strictEqual(await said(mcp, ["--version"], surroundings), await said(mcp, ["--version"]));
});

/** All files below a folder, by path. */
async function filesBelow(folder: string, below = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    const path = `${below}${name}`;
    if (isDirectory) files.push(...await filesBelow(folder, `${path}/`));
    else files.push(path);
  }
  return files.sort();
}

for (const program of [mcp, agent]) {
  const name = program.split("/").at(-1);

  Deno.test(`${name} carries no development dependency, and the licences of all others`, async () => {
    const runtime = await runtimeOf(program);
    const licences = await Deno.readTextFile(`${runtime}/share/licences.txt`);
    const maps = (await filesBelow(runtime)).filter((path) => path.endsWith(".map"));
    const sources = (await Promise.all(maps.map(async (path) => {
      const map = JSON.parse(await Deno.readTextFile(`${runtime}/${path}`));
      return map.sources as string[];
    }))).flat();
    ok(sources.includes(name === "mcp" ? "cli/main.ts" : "agent/main.ts"));
    const packages = new Set(
      sources.flatMap((source) => /^npm\/((?:@[^/]+\/)?[^/]+)\/\d/.exec(source)?.[1] ?? []),
    );
    ok(packages.has("@bufbuild/protobuf") && packages.has("zod"), [...packages].join(" "));
    // The server's; the client of `mcp` does without.
    strictEqual(packages.has("@grpc/grpc-js"), name === "mcp-agent");
    for (const one of packages) {
      doesNotMatch(one, /^(fast-check|pure-rand|oidc-provider|koa.*|@bufbuild\/(buf|protoc.*))$/);
      match(licences, new RegExp(`^${one} \\d`, "m"));
    }
    match(licences, /^Deno 2\./m);
    // Each licence that a package names and does not bring is brought by another.
    match(licences, /Apache License/);
    match(licences, /Redistribution and use in source and binary forms/);
    deepStrictEqual(sources.filter((source) => /^(tests|deploy)\//.test(source)), []);
  });

  Deno.test(`${name} carries nothing that tells of the machine it was built on`, async () => {
    const runtime = await runtimeOf(program);
    const told = [repository, Deno.env.get("HOME") ?? "/root", "mcp-bundle-"];
    for (const path of await filesBelow(runtime)) {
      if (path === "deno") continue;
      const text = await Deno.readTextFile(`${runtime}/${path}`);
      for (const one of told) ok(!text.includes(`${one}/`), `${path} has ${one}`);
    }
  });

  Deno.test(`${name} carries the files that make a node`, async () => {
    const shipped = `${await runtimeOf(program)}/share/node`;
    const files = await filesBelow(shipped);
    ok(files.includes("systemd/mcp-agent.service"), files.join(" "));
    for (const path of files) {
      strictEqual(
        await Deno.readTextFile(`${shipped}/${path}`),
        await Deno.readTextFile(`${repository}/deploy/node/${path}`),
      );
    }
  });
}

Deno.test("a stack tells files and lines of the source", async () => {
  const runtime = await runtimeOf(mcp);
  const main = await Deno.readTextFile(`${runtime}/main.js`);
  match(main, /\/\/# sourceMappingURL=main\.js\.map\s*$/);
  // Thrown by our own code, where nothing expects it: an environment without any permission.
  const { stderr, code } = await new Deno.Command(`${runtime}/deno`, {
    args: ["run", "--quiet", "--no-config", "--no-prompt", `${runtime}/main.js`],
    env: { NO_COLOR: "1" },
  }).output();
  strictEqual(code, 1);
  match(new TextDecoder().decode(stderr), /\/cli\/start\.ts:\d+:\d+/);
});
