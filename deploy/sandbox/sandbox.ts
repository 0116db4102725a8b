/**
 * A throw-away place on this machine where rootless podman works, leaving nothing behind.
 *
 * Root gets a system user of its own for it (`mcp`, known only in there), with its own home, /srv,
 * /tmp and account files, in mount and pid namespaces of its own: nothing on the machine is
 * changed, and every process in there ends with this one, even if that is killed. The network is
 * the machine's, so ports published on loopback can be reached from outside.
 * Anyone else gets programs run as themselves, provided that podman already works for them.
 * It keeps demos and tests apart from the machine; it is no barrier against malice.
 *
 * @module
 */

import { demandCommand } from "./command.ts";
import type { InsideRequest } from "./inside.ts";
import { ensurePackages, ensureRegistryProgram } from "./packages.ts";
import { prepareDirectory } from "./prepare_directory.ts";
import { runGroup } from "./run_group.ts";
import { makeThrowAway, type ThrowAway } from "./throw_away.ts";
import { whyNoSandbox } from "./why_no_sandbox.ts";

/** A place to run programs in. Disposing of it removes everything they left. */
interface Sandbox extends AsyncDisposable {
  /** Whose rootless podman is used: that of a user made for this, or of whoever runs this. */
  readonly user: "own" | "current";
  /** The repository, as programs in there see it; read-only for a user of its own. */
  readonly repository: string;
  /** A folder that programs in there may write to and this side can read, by its two names. */
  readonly outbox: { readonly inside: string; readonly outside: string };
  /**
   * Runs one program to its end and gives its exit code. Ends everything else it has started, if
   * the user is the sandbox's own; files stay until disposal.
   */
  run(program: Program): Promise<number>;
}

/** What to run in a sandbox. `deno` and `docker-registry` are on its PATH. */
interface Program {
  readonly argv: readonly string[];
  /** As seen in there. The repository if absent. */
  readonly cwd?: string;
  /** Added to an environment that is otherwise clean for a user of its own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes what it writes to standard output, which is this program's own otherwise. */
  readonly onOutput?: (bytes: Uint8Array) => void;
  /** Stops the program: it gets SIGINT or SIGTERM and some time, then the end. */
  readonly signal?: AbortSignal;
}

/** How a sandbox is opened. */
interface SandboxOptions {
  /** Is given a line for people before something slow or lasting, such as installing packages. */
  readonly tell?: (line: string) => void;
  /** The root of another system, whose podman and whose other programs are used; for root only. */
  readonly system?: string;
}

const repository = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Opens a sandbox, runs one program in it, and removes it. Gives the program's exit code. */
export async function runInSandbox(options: Program & SandboxOptions): Promise<number> {
  await using sandbox = await openSandbox(options);
  return await sandbox.run(options);
}

/** Opens a sandbox. Dispose of it with `await using`. */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const reason = await whyNoSandbox();
  if (reason !== undefined) throw new Error(`Cannot open a sandbox: ${reason}`);
  if (options.system !== undefined && Deno.uid() !== 0) {
    throw new Error("Cannot open a sandbox of another system: only root can. Run this as root");
  }
  const tell = options.tell ?? (() => {});
  await ensurePackages(tell);
  const programs = { deno: Deno.execPath(), "docker-registry": await ensureRegistryProgram(tell) };

  const throwAway = await makeThrowAway();
  try {
    return Deno.uid() === 0
      ? await ownUserSandbox(throwAway, programs, options.system)
      : await currentUserSandbox(throwAway, programs);
  } catch (error) {
    await throwAway[Symbol.asyncDispose]();
    throw error;
  }
}

type Programs = Readonly<Record<string, string>>;

async function ownUserSandbox(
  throwAway: ThrowAway,
  programs: Programs,
  system: string | undefined,
): Promise<Sandbox> {
  const directory = throwAway.path;
  const identity = await prepareDirectory(directory, Object.keys(programs), system);
  const env = {
    HOME: `/home/${identity.name}`,
    USER: identity.name,
    LOGNAME: identity.name,
    XDG_RUNTIME_DIR: "/mnt/run",
    PATH: "/mnt/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    LANG: "C.UTF-8",
    DENO_DIR: "/mnt/deno",
    DENO_NO_UPDATE_CHECK: "1",
    // How output should look, and under which name packages were cached: neither is private.
    ...passedOn("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CI", "NPM_CONFIG_REGISTRY"),
  };
  const shown = {
    mcp: repository,
    "deno/npm": await npmCache(),
    ...Object.fromEntries(Object.entries(programs).map(([name, path]) => [`bin/${name}`, path])),
  };
  return {
    user: "own",
    repository: "/mnt/mcp",
    outbox: { inside: "/mnt/out", outside: `${directory}/view/out` },
    async run(program) {
      const request: InsideRequest = {
        directory,
        ...(system === undefined ? {} : { system }),
        userId: identity.id,
        shown,
        program: {
          argv: program.argv,
          cwd: program.cwd ?? "/mnt/mcp",
          env: { ...env, ...program.env },
        },
      };
      // A file, not an argument: an environment may hold secrets, and everyone can read arguments.
      const requestFile = `${directory}/request.json`;
      await Deno.writeTextFile(requestFile, JSON.stringify(request), { mode: 0o600 });
      const inside = new URL("./inside.ts", import.meta.url).pathname;
      return await runGroup([
        ...["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"],
        // Containers' monitors lose their parents; the first process must collect them.
        ...["catatonit", "--"],
        ...[Deno.execPath(), "run", "--quiet", "--no-config", "--no-lock", "--allow-all"],
        ...[inside, requestFile],
      ], { signal: program.signal, cwd: "/", onOutput: program.onOutput });
    },
    [Symbol.asyncDispose]: () => throwAway[Symbol.asyncDispose](),
  };
}

async function currentUserSandbox(throwAway: ThrowAway, programs: Programs): Promise<Sandbox> {
  const directory = throwAway.path;
  const bin = `${directory}/bin`;
  const outbox = `${directory}/out`;
  await Deno.mkdir(bin);
  await Deno.mkdir(outbox);
  for (const [name, path] of Object.entries(programs)) await Deno.symlink(path, `${bin}/${name}`);
  return {
    user: "current",
    repository,
    outbox: { inside: outbox, outside: outbox },
    run: (program) =>
      runGroup(program.argv, {
        signal: program.signal,
        onOutput: program.onOutput,
        cwd: program.cwd ?? repository,
        env: { PATH: `${bin}:${Deno.env.get("PATH") ?? "/usr/bin:/bin"}`, ...program.env },
      }),
    [Symbol.asyncDispose]: () => throwAway[Symbol.asyncDispose](),
  };
}

/** Where Deno keeps npm packages on this machine; what is in there needs no network inside. */
async function npmCache(): Promise<string> {
  const info: unknown = JSON.parse(
    await demandCommand("find Deno's cache", [Deno.execPath(), "info", "--no-config", "--json"], {
      timeoutMs: 60_000,
    }),
  );
  if (
    typeof info !== "object" || info === null || !("npmCache" in info) ||
    typeof info.npmCache !== "string"
  ) {
    throw new Error("Cannot find Deno's cache: `deno info --json` names no npmCache");
  }
  await Deno.mkdir(info.npmCache, { recursive: true });
  return info.npmCache;
}

function passedOn(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
