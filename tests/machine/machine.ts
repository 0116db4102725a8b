/**
 * A throw-away machine: a real systemd as first process of a Debian that has just been installed.
 *
 * Made of this system's own kernel and programs (or those of another root) in namespaces, it boots in under a second, has its
 * own users, units, network and uptime, and can be switched off or lose its power; its disk lives
 * through both. Nothing on this system is changed, and everything ends with the process that made
 * the machine, even if that is killed. It keeps tests apart from the system; it is no barrier
 * against malice.
 *
 * @module
 */

import { demandCommand } from "../../deploy/sandbox/command.ts";
import { ensurePackages } from "../../deploy/sandbox/packages.ts";
import { makeThrowAway, parentDirectory, type ThrowAway } from "../../deploy/sandbox/throw_away.ts";
import { makeControlGroup, removeControlGroup } from "./control_group.ts";
import { type Disk, makeDisk } from "./disk.ts";
import { type Addresses, chooseAddresses, plugIn, pullOut } from "./link.ts";
import { mountCommands } from "./mounts.ts";
import { machinePackages } from "./packages.ts";
import { whyNoMachine } from "./why_no_machine.ts";

/** How a machine is made. */
export interface MachineOptions {
  readonly hostname?: string;
  /** Ports of this system's end of the cable where image registries speak plain HTTP. */
  readonly plainRegistryPorts?: readonly number[];
  /** Is given a line for people before something slow or lasting, such as installing packages. */
  readonly tell?: (line: string) => void;
}

/** How a program is run in a machine. */
export interface RunOptions {
  /** A user of the machine; root unless said. */
  readonly user?: string;
  readonly stdin?: string;
  /** Added to root's clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** How a program in a machine has ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Names the root of another system, of which machines are then made; of this one where it is not set. */
export const systemVariable = "MCP_MACHINE_SYSTEM";

const bootTimeoutMs = 300_000;
const offTimeoutMs = 300_000;
const commandTimeoutMs = 600_000;

/** What every program in a machine finds, the first process included. */
const cleanEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
};

/** What those find that are run by hand. */
export const userEnvironment: Readonly<Record<string, string>> = {
  ...cleanEnvironment,
  HOME: "/root",
  TERM: "dumb",
  SYSTEMD_PAGER: "",
};

/** Waits for a line, then becomes the program it was given: what a holder of namespaces does. */
const waitThenBecome = ["sh", "-c", 'read -r _ && exec "$@"', "sh"];

/** A machine that is on. */
interface Power {
  /** Its first process, as numbered by this system. */
  readonly pid: number;
  readonly controlGroup: string;
  readonly ended: Promise<unknown>;
}

/** One machine. `await using` takes its power and forgets its disk. */
export class Machine implements AsyncDisposable {
  readonly addresses: Addresses;
  readonly #name: string;
  readonly #throwAway: ThrowAway;
  readonly #disk: Disk;
  #power: Power | undefined;

  private constructor(throwAway: ThrowAway, disk: Disk, addresses: Addresses) {
    this.#throwAway = throwAway;
    this.#name = throwAway.path.slice(parentDirectory.length + 1);
    this.#disk = disk;
    this.addresses = addresses;
  }

  /** Makes a machine and switches it on. */
  static async boot(options: MachineOptions = {}): Promise<Machine> {
    const reason = await whyNoMachine();
    if (reason !== undefined) throw new Error(`Cannot boot a machine: ${reason}`);
    const tell = options.tell ?? (() => {});
    await ensurePackages(tell);
    await ensurePackages(tell, machinePackages);

    await using undo = new AsyncDisposableStack();
    const throwAway = undo.use(await makeThrowAway());
    const addresses = await chooseAddresses(Math.floor(Math.random() * 64));
    const disk = await makeDisk(throwAway.path, {
      system: Deno.env.get(systemVariable) ?? "",
      hostname: options.hostname ?? "bare",
      plainRegistries: (options.plainRegistryPorts ?? [])
        .map((port) => `${addresses.outside}:${port}`),
    });
    const machine = new Machine(throwAway, disk, addresses);
    await machine.on();
    undo.move();
    return machine;
  }

  /** Its first process, as numbered by this system. */
  get pid(): number {
    if (this.#power === undefined) throw new Error("The machine is off");
    return this.#power.pid;
  }

  /** Where a path of the machine's disk is on this system, whether or not the machine is on. */
  disk(path: string): string {
    const { local, root, usr } = this.#disk;
    if (path.startsWith("/usr/local/")) return `${local}/${path.slice("/usr/local/".length)}`;
    if (path.startsWith("/usr/")) return `${usr.upper}/${path.slice("/usr/".length)}`;
    return `${root}${path}`;
  }

  /** Switches it on, and waits until systemd has started what it wanted to. */
  async on(): Promise<void> {
    if (this.#power !== undefined) throw new Error("The machine is on already");
    const controlGroup = await makeControlGroup(this.#name, parentDirectory);
    const consoleFile = `${this.#throwAway.path}/console.log`;
    await Deno.writeTextFile(consoleFile, "");
    const child = new Deno.Command("setpriv", {
      // A session of its own: Ctrl-C at the terminal would tell its first process to reboot.
      args: ["--pdeathsig=KILL", "--", "setsid", ...waitThenBecome, ...namespaces()],
      cwd: "/",
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      clearEnv: true,
      env: { ...cleanEnvironment, container: "oci" },
    }).spawn();
    const said = Promise.all([child.stdout, child.stderr].map(async (stream) => {
      for await (const chunk of stream) await Deno.writeFile(consoleFile, chunk, { append: true });
    }));
    const ended = child.status.then(() => said);
    const release = child.stdin.getWriter();
    const line = new TextEncoder().encode("go\n");
    try {
      // Its own group first: what a control group namespace shows as / is the group of whoever makes it.
      await Deno.writeTextFile(`${controlGroup}/cgroup.procs`, `${child.pid}`);
      await release.write(line);
      const pid = await onlyChildOf(child.pid);
      this.#power = { pid, controlGroup, ended };
      const within = ["nsenter", `--target=${pid}`, "--mount", "--pid", "--cgroup", "--net", "--"];
      for (const argv of mountCommands(this.#disk, consoleFile)) {
        await demandCommand("mount the machine's disk", [...within, ...argv], {
          timeoutMs: 120_000,
        });
      }
      await plugIn(this.#name, this.addresses, pid);
      await release.write(line);
      await release.close();
      await this.#started();
    } catch (error) {
      // Takes everything that was started with it.
      kill(child.pid);
      await ended;
      const log = await Deno.readTextFile(consoleFile);
      await this.#forgetPower(controlGroup);
      throw new Error(`Cannot boot the machine; its console: ${log.trim() || "silent"}`, {
        cause: error,
      });
    }
  }

  async #started(): Promise<void> {
    const giveUpAt = Date.now() + bootTimeoutMs;
    for (;;) {
      const { stdout } = await this.run(["systemctl", "is-system-running"], { timeoutMs: 60_000 });
      if (["running", "degraded"].includes(stdout.trim())) return;
      if (Date.now() > giveUpAt) throw new Error(`systemd says "${stdout.trim()}"`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Switches it off as its owner would: every unit is stopped first. */
  async off(): Promise<void> {
    await this.run(["systemctl", "poweroff"]);
    await this.#gone(offTimeoutMs);
  }

  /** Takes its power: not one of its processes runs another instruction. Written files stay. */
  async cut(): Promise<void> {
    if (this.#power === undefined) return;
    kill(this.#power.pid);
    await this.#gone(10_000);
  }

  async #gone(withinMs: number): Promise<void> {
    if (this.#power === undefined) return;
    const { ended, controlGroup, pid } = this.#power;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), withinMs);
    });
    const outcome = await Promise.race([ended, late]);
    clearTimeout(timer);
    if (outcome === "late") kill(pid);
    await ended;
    await this.#forgetPower(controlGroup);
    if (outcome === "late") {
      throw new Error(`The machine was not off within ${withinMs / 1000} s; its power was cut`);
    }
  }

  async #forgetPower(controlGroup: string): Promise<void> {
    this.#power = undefined;
    await pullOut(this.#name);
    await removeControlGroup(controlGroup);
  }

  /** The command line that runs a program in the machine; as root, or as a user of the machine. */
  enter(argv: readonly string[], user?: string): string[] {
    return [
      ...["nsenter", `--target=${this.pid}`, "--all", "--"],
      // Killed from outside, nsenter leaves its child running in there.
      ...["setpriv", "--pdeathsig=KILL", "--"],
      ...(user === undefined ? [] : ["runuser", `--user=${user}`, "--"]),
      ...argv,
    ];
  }

  /** Runs a program in the machine to its end, whatever its exit code. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { user, stdin, env, timeoutMs = commandTimeoutMs } = options;
    const deadline = AbortSignal.timeout(timeoutMs);
    const [program = "", ...args] = this.enter(argv, user);
    const child = new Deno.Command(program, {
      args,
      cwd: "/",
      clearEnv: true,
      env: { ...userEnvironment, ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      signal: deadline,
    }).spawn();
    if (stdin !== undefined) {
      const writer = child.stdin.getWriter();
      // A program that asks for nothing may have ended already.
      await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
      await writer.close().catch(() => {});
    }
    const [{ code }, stdout, stderr] = await Promise.all([
      child.status,
      keep(child.stdout),
      keep(child.stderr),
    ]);
    if (deadline.aborted) {
      throw new Error(
        `${argv.join(" ")} did not end within ${timeoutMs / 1000} s. It said: ${stdout}${stderr}`,
      );
    }
    return { code, stdout, stderr };
  }

  /** Runs a program in the machine that must succeed, and gives what it printed. */
  async demand(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options);
    if (code === 0) return stdout;
    throw new Error(`${argv.join(" ")} ended with exit code ${code}: ${stderr}${stdout}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    await this.#throwAway[Symbol.asyncDispose]();
  }
}

/** The namespaces of a machine, held by a first process that waits until they are furnished. */
function namespaces(): string[] {
  return [
    ...["unshare", "--kill-child", "--pid", "--fork", "--mount", "--propagation=private"],
    ...["--uts", "--ipc", "--net", "--cgroup"],
    // A clock that begins now, for programs that ask for how long the machine has been up.
    // The uptime is in whole seconds, rounded up, and no clock may begin before zero.
    ...["--time", "--boottime", `-${Deno.osUptime() - 1}`],
    ...waitThenBecome,
    ...["/lib/systemd/systemd", "--show-status=0"],
  ];
}

/** Waits for a process to have its only child, and gives that one's number. */
async function onlyChildOf(pid: number): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    if (children.trim() !== "") return Number(children);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("No process came up in the machine's namespaces");
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function keep(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}
