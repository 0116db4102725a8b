/**
 * The launcher of the built executables, with a stand-in for Deno behind it that tells its arguments.
 *
 * @module
 */

import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { basename } from "node:path";
import { grants } from "../../cli/grants.ts";
import { builtPrograms } from "../../deploy/build/programs.ts";
import { denoPart, selfContained } from "../../deploy/build/self_contained.ts";
import { eventually } from "../support/eventually.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

/**
 * In the place of Deno: shows what it got, one line each. Asked for permissions, it prints some; a
 * config by the name of `bad` it refuses. `exit N` among the arguments ends it so.
 */
const standIn = `#!/bin/sh
case " $* " in
  *"/main.js permissions --config=bad "*) echo "no such config" >&2; exit 4 ;;
  *"/main.js permissions"*) printf '%s\\n' --no-prompt '--allow-read=/srv/a b,/srv/*'; exit ;;
esac
printf '<%s>\\n' "$@"
[ "\${SHOW_ENV-}" = "" ] || printf '%s\\n' "$MCP_EXECUTABLE" "$MCP_RUNTIME" "$DENO_DIR"
[ "\${SHOW_STDIN-}" = "" ] || cat
while [ $# -gt 1 ]; do [ "$1" != exit ] || exit "$2"; shift; done
`;

const neutral = [
  ...["run", "--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check"],
  "--cached-only",
];

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** A folder with an executable in it, and a home. */
class Place implements AsyncDisposable {
  readonly #folder: ThrowAwayFolder;
  readonly file: string;
  readonly home: string;

  private constructor(folder: ThrowAwayFolder, file: string) {
    this.#folder = folder;
    this.file = file;
    this.home = folder.at("home");
  }

  static async make(
    name: "mcp" | "mcp-agent",
    options: { readonly in?: string; readonly weight?: number } = {},
  ): Promise<Place> {
    const folder = await ThrowAwayFolder.make();
    const file = folder.at(`${options.in ?? "bin"}/${name}`);
    await Deno.mkdir(folder.at(options.in ?? "bin"), { recursive: true });
    await Deno.mkdir(folder.at("home"));
    await Deno.writeFile(file, await executable(name, options.weight ?? 0), { mode: 0o755 });
    return new Place(folder, file);
  }

  at(path: string): string {
    return this.#folder.at(path);
  }

  get cache(): string {
    return `${this.home}/.cache/mcp`;
  }

  /** Where its runtime is unpacked to. */
  async runtime(): Promise<string> {
    const names = await this.unpacked();
    strictEqual(names.length, 1, names.join(" "));
    return `${this.cache}/${names[0]}`;
  }

  /** What the cache holds. */
  async unpacked(): Promise<string[]> {
    return await Array.fromAsync(Deno.readDir(this.cache), ({ name }) => name);
  }

  /** Runs the executable, or another program that leads to it. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return await this.runAs(this.file, args, options);
  }

  async runAs(program: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
    const { env = {}, cwd = "/", stdin = "" } = options;
    const child = new Deno.Command(program, {
      args: [...args],
      cwd,
      env: { PATH: "/usr/bin:/bin", HOME: this.home, ...env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(600_000),
    }).spawn();
    const writer = child.stdin.getWriter();
    // Who does not read it may have ended already.
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
    const [{ code }, out, err] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code, out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** @param weight Bytes that make unpacking take its time. */
async function executable(name: "mcp" | "mcp-agent", weight: number): Promise<Uint8Array> {
  const program = (await builtPrograms()).find((each) => each.name === name);
  ok(program !== undefined);
  const template = new URL("../../deploy/build/launcher.sh", import.meta.url);
  return selfContained({
    template: await Deno.readTextFile(template),
    program: name,
    version: "0.1.0 (test)",
    arguments: program.arguments,
    deno: denoPart(new TextEncoder().encode(standIn)),
    files: [
      { path: "main.js", mode: 0o644, content: new Uint8Array() },
      { path: "weight", mode: 0o644, content: new Uint8Array(weight) },
    ],
  });
}

/** What the stand-in was given: the flags, and what the program will see. */
function given(out: string): { readonly flags: readonly string[]; readonly args: string[] } {
  const words = [...out.matchAll(/<([^>]*)>\n/g)].map(([, word = ""]) => word);
  const main = words.findIndex((word) => word.endsWith("/main.js"));
  deepStrictEqual(words.slice(0, neutral.length), neutral);
  return { flags: words.slice(neutral.length, main), args: words.slice(main + 1) };
}

Deno.test("the launcher hands on arguments, standard input and exit code as they are", async () => {
  await using place = await Place.make("mcp");
  const args = ["deploy", "", "a b", "*", "$(id)", "it's", "--", "-x", "exit", "37"];
  const { code, out, err } = await place.run(args, {
    env: { SHOW_STDIN: "yes" },
    stdin: "a token\n",
  });
  deepStrictEqual(given(out).args, args);
  match(out, /\na token\n$/);
  strictEqual(code, 37);
  strictEqual(err, "");
});

Deno.test("mcp always has the permissions of the CLI", async () => {
  await using place = await Place.make("mcp");
  const { flags } = given((await place.run(["--allow-ffi", "ps"])).out);
  deepStrictEqual(flags.slice(0, 2), ["--no-prompt", "--ignore-env"]);
  deepStrictEqual(flags.slice(-grants.length), grants);
  ok(!flags.includes("--allow-ffi"));
});

Deno.test("mcp-agent gives each subcommand its own permissions, and others none", async (t) => {
  await using place = await Place.make("mcp-agent");
  const none = ["--no-prompt", "--ignore-env"];
  const files = [...none, "--allow-read", "--allow-write"];
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["init", "--node-name", "a b"], files],
    [["token", "create", "--config", "x"], files],
    [["token", "list"], files],
    [["snapshot"], files],
    [["restore", "file"], files],
    [["token"], none],
    [["token", "bogus"], none],
    [["initial"], none],
    [["--version"], none],
    [["--help"], none],
    [["help", "init"], none],
    [["completion", "bash"], none],
    [["server", "--help"], none],
    [["bogus", "--allow-all"], none],
    [[], none],
  ];
  for (const [args, flags] of cases) {
    await t.step(args.join(" ") || "nothing", async () => {
      deepStrictEqual(given((await place.run(args)).out), { flags, args });
    });
  }
});

Deno.test("mcp-agent server runs with what its config needs, spaces and stars included", async () => {
  await using place = await Place.make("mcp-agent");
  // What the flag would be taken for, were it a pattern.
  await Deno.mkdir(place.at("--allow-read=/srv/a b,/srv/x"), { recursive: true });
  const args = ["server", "--config", "a b.toml"];
  const { out } = await place.run(args, { cwd: place.at("") });
  deepStrictEqual(given(out), { flags: ["--no-prompt", "--allow-read=/srv/a b,/srv/*"], args });
});

Deno.test("mcp-agent server does not start when its config tells no permissions", async () => {
  for (const args of [["server", "--config", "bad"], ["server", "--config=bad"]]) {
    await using place = await Place.make("mcp-agent");
    deepStrictEqual(await place.run(args), { code: 4, out: "", err: "no such config\n" });
  }
});

Deno.test("mcp-agent uses permission flags in front exactly as they are", async () => {
  await using place = await Place.make("mcp-agent");
  const flags = [
    ...["--no-prompt", "--ignore-env", "--allow-run=/usr/bin/podman", "--allow-read=/srv/a b"],
    ...["--deny-import", "--allow-import=none.invalid", "--allow-net=unix:/run/x"],
  ];
  // What follows the subcommand is the program's, whatever it looks like.
  const args = ["server", "--config", "bad", "--allow-all", ""];
  const { out } = await place.run([...flags, ...args]);
  deepStrictEqual(given(out), { flags, args });
});

Deno.test("the launcher finds itself by links, relative paths, PATH and through sh", async () => {
  await using place = await Place.make("mcp", { in: "a b/bin" });
  const folder = place.at("a b/bin");
  await Deno.symlink("a b/bin/mcp", place.at("link"));
  await Deno.symlink(place.at("link"), place.at("link of link"));
  const env = { SHOW_ENV: "yes" };
  const outcomes = [
    await place.run([], { env }),
    await place.runAs(place.at("link of link"), [], { env }),
    await place.runAs("sh", [place.file], { env }),
    await place.runAs("sh", ["-c", "./mcp"], { env, cwd: folder }),
    await place.runAs("sh", ["-c", "cd ..; ./bin/mcp"], { env, cwd: folder }),
    await place.runAs("sh", ["-c", "mcp"], { env: { ...env, PATH: `${folder}:/usr/bin:/bin` } }),
  ];
  for (const { out, err } of outcomes) {
    strictEqual(err, "");
    const [executable, runtime] = out.trim().split("\n").slice(-3);
    strictEqual(await Deno.realPath(executable ?? ""), place.file);
    strictEqual(runtime, await place.runtime());
  }
});

Deno.test("the launcher unpacks once, for its user alone", async () => {
  await using place = await Place.make("mcp");
  strictEqual((await place.run([])).code, 0);
  const runtime = await place.runtime();
  const { mode, ino } = await Deno.stat(runtime);
  strictEqual((mode ?? 0) & 0o7777, 0o700);
  strictEqual(((await Deno.stat(place.cache)).mode ?? 0) & 0o7777, 0o700);
  await place.run([]);
  strictEqual((await Deno.stat(runtime)).ino, ino);
});

Deno.test("the launcher runs one program besides Deno, once it is unpacked", async () => {
  await using place = await Place.make("mcp");
  await place.run([]);
  // Every program that it knows tells that it was run.
  await Deno.mkdir(place.at("tools"));
  const programs = [
    "find",
    "gzip",
    "mkdir",
    "mktemp",
    "mv",
    "readlink",
    "rm",
    "stat",
    "tail",
    "tar",
  ];
  for (const name of programs) {
    const text = `#!/bin/sh\necho ${name} >>"$RAN"\nexec /usr/bin/${name} "$@"\n`;
    await Deno.writeTextFile(place.at(`tools/${name}`), text, { mode: 0o755 });
  }
  const env = { PATH: place.at("tools"), RAN: place.at("ran") };
  deepStrictEqual((await place.run(["ps"], { env })).code, 0);
  strictEqual(await Deno.readTextFile(place.at("ran")), "stat\n");
});

Deno.test("the launcher keeps compiled code beside its runtime, or in a folder of its own where it is told", async () => {
  await using place = await Place.make("mcp");
  const told = async (env: Readonly<Record<string, string>>) =>
    (await place.run([], { env: { SHOW_ENV: "yes", ...env } })).out.trim().split("\n").at(-1);
  strictEqual(await told({}), `${await place.runtime()}.compiled`);
  const hash = basename(await place.runtime());
  strictEqual(await told({ DENO_DIR: "/elsewhere" }), `/elsewhere/${hash}.compiled`);
});

Deno.test("an installed runtime is used as it lies beside the executable", async () => {
  await using place = await Place.make("mcp");
  await place.run([]);
  const hash = basename(await place.runtime());
  const installed = place.at(`lib/mcp/${hash}`);
  await Deno.mkdir(place.at("lib/mcp"), { recursive: true });
  await Deno.rename(await place.runtime(), installed);
  await Deno.remove(place.cache);
  const told = async (env: Readonly<Record<string, string>>) => {
    const { code, out, err } = await place.run([], { env: { SHOW_ENV: "yes", ...env } });
    deepStrictEqual([code, err], [0, ""]);
    return out.trim().split("\n").slice(-2);
  };
  // Neither a home nor one that can be written to is needed.
  deepStrictEqual(await told({ HOME: "" }), [installed, "/dev/null/none"]);
  deepStrictEqual(await told({ HOME: "/dev/null" }), [installed, "/dev/null/none"]);
  deepStrictEqual(await told({ DENO_DIR: "/elsewhere" }), [
    installed,
    `/elsewhere/${hash}.compiled`,
  ]);
  await rejects(Deno.stat(place.cache), Deno.errors.NotFound);
  deepStrictEqual(await told({}), [installed, `${place.cache}/${hash}.compiled`]);
  deepStrictEqual(await place.unpacked(), []);
  await Deno.chmod(place.cache, 0o777);
  refused(await place.run([]), /other users may write to/);
});

Deno.test("six launchers at once leave one runtime and nothing else", async () => {
  await using place = await Place.make("mcp", { weight: 20_000_000 });
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => place.run(["ps"])));
  for (const { code, err } of outcomes) deepStrictEqual([code, err], [0, ""]);
  const names = await Array.fromAsync(Deno.readDir(await place.runtime()), ({ name }) => name);
  deepStrictEqual(names.sort(), ["deno", "main.js", "weight"]);
});

Deno.test("a launcher killed while it unpacks leaves nothing that is taken for a runtime", async () => {
  await using place = await Place.make("mcp", { weight: 200_000_000 });
  const child = new Deno.Command("setsid", {
    args: [place.file],
    env: { PATH: "/usr/bin:/bin", HOME: place.home },
    clearEnv: true,
    stdout: "null",
  }).spawn();
  await eventually("it unpacks", async () => {
    const names = await place.unpacked().catch((): string[] => []);
    return names.find((name) => name.startsWith("unpacking."));
  });
  // The whole group: its tar would go on otherwise.
  Deno.kill(-child.pid, "SIGKILL");
  await child.status;
  const [left = ""] = await place.unpacked();
  match(left, /^unpacking\./);

  strictEqual((await place.run([])).code, 0);
  strictEqual((await place.unpacked()).length, 2);
  // Hours later, when another version comes, nobody can be at work in there any more.
  const longAgo = new Date(Date.now() - 7_200_000);
  await Deno.utime(`${place.cache}/${left}`, longAgo, longAgo);
  const [runtime = ""] = (await place.unpacked()).filter((name) => name !== left);
  await Deno.remove(`${place.cache}/${runtime}`, { recursive: true });
  strictEqual((await place.run([])).code, 0);
  strictEqual(basename(await place.runtime()), runtime);
});

/** A refusal: nothing was run, and it says what to do. */
function refused({ code, out, err }: Outcome, why: RegExp): void {
  deepStrictEqual([code, out], [126, ""]);
  match(err, why);
  match(err, /^Next: \S/m);
}

Deno.test("the launcher refuses without a home, and says what to do", async () => {
  await using place = await Place.make("mcp");
  for (const env of [{ HOME: "" }, { HOME: "relative" }, { HOME: "", XDG_CACHE_HOME: "tmp" }]) {
    refused(await place.run([], { env }), /neither HOME nor XDG_CACHE_HOME says where to/);
  }
  const env = { HOME: "", XDG_CACHE_HOME: place.at("xdg") };
  strictEqual((await place.run([], { env })).code, 0);
});

Deno.test("the launcher refuses a cache that it cannot make", async () => {
  await using place = await Place.make("mcp");
  await Deno.writeTextFile(`${place.home}/.cache`, "");
  refused(await place.run([]), /cannot make the folder .*\/\.cache\/mcp/);
});

Deno.test("the launcher refuses when it cannot unpack, and leaves nothing", async () => {
  await using place = await Place.make("mcp", { weight: 5_000_000 });
  const whole = await Deno.readFile(place.file);
  // As with a disk that is full, a write of tar fails.
  const limited = 'ulimit -f 2000; trap "" XFSZ; exec "$0"';
  refused(await place.runAs("sh", ["-c", limited, place.file], {}), /which takes 6 MB/);
  deepStrictEqual(await place.unpacked(), []);

  await Deno.writeFile(place.file, whole.subarray(0, whole.byteLength - 1_000));
  refused(await place.run([]), /cannot unpack/);
  deepStrictEqual(await place.unpacked(), []);
});

Deno.test("the launcher runs nothing from a folder that other users may write to", async () => {
  await using place = await Place.make("mcp");
  await place.run([]);
  for (const folder of [place.cache, await place.runtime()]) {
    for (const mode of [0o720, 0o702, 0o1777]) {
      await Deno.chmod(folder, mode);
      refused(await place.run([]), /other users may write to/);
    }
    await Deno.chmod(folder, 0o755);
    strictEqual((await place.run([])).code, 0);
  }
});

Deno.test("the launcher unpacks nothing into a folder that other users may write to", async () => {
  await using place = await Place.make("mcp");
  await Deno.mkdir(place.cache, { recursive: true });
  await Deno.chmod(place.cache, 0o777);
  refused(await place.run([]), /other users may write to/);
  deepStrictEqual(await place.unpacked(), []);
});

const isRoot = Deno.uid() === 0;

Deno.test({
  name: "the launcher runs nothing from a folder of another user" +
    (isRoot ? "" : " (skipped: only root can give a folder away)"),
  ignore: !isRoot,
  fn: async () => {
    await using place = await Place.make("mcp");
    await place.run([]);
    const runtime = await place.runtime();
    for (const folder of [place.cache, runtime]) {
      await Deno.chown(folder, 65534, 65534);
      refused(await place.run([]), /belongs to another user/);
      await Deno.chown(folder, 0, 0);
    }
    // Beside the executable as well.
    const lib = place.at("lib/mcp");
    await Deno.mkdir(lib, { recursive: true });
    await Deno.rename(runtime, `${lib}/${basename(runtime)}`);
    await Deno.chown(lib, 65534, 65534);
    refused(await place.run([]), /belongs to another user/);
  },
});

Deno.test("the launcher has no placeholder left, and begins as a script of sh", async () => {
  for (const name of ["mcp", "mcp-agent"] as const) {
    const bytes = await executable(name, 0);
    const text = new TextDecoder().decode(bytes.subarray(0, 10_000)).split("\nexec ")[0] ?? "";
    match(text, /^#!\/bin\/sh\n/);
    doesNotMatch(text, /@[A-Z_]+@/);
  }
});
