/**
 * Where the boot test plays: a machine, an operator's workstation beside it, and an image registry
 * that both can reach.
 *
 * The node and the workstation have the built executables and nothing else of the project; they meet
 * over TCP only. What is asserted is seen from outside, or read from the machine's own /proc.
 *
 * @module
 */

import { ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { demandCommand } from "../../deploy/sandbox/command.ts";
import { helloWeb } from "../../deploy/sandbox/demo_images.ts";
import { freePort } from "../../deploy/sandbox/free_port.ts";
import { serveImages } from "../../deploy/sandbox/image_registry.ts";
import { ensureRegistryProgram } from "../../deploy/sandbox/packages.ts";
import { Machine } from "../machine/machine.ts";
import { eventually } from "../support/eventually.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";
import { putImage } from "./handmade_image.ts";

/** The folder with `mcp` and `mcp-agent`, as `deno task build` makes it. */
export interface Build {
  readonly folder: string;
}

/** A container as podman on the node knows it. */
export interface Container {
  readonly id: string;
  readonly startedAt: string;
  /** Of its first process, as numbered in the machine. */
  readonly pid: number;
  readonly status: string;
}

/** Doctor's findings about what a machine lacks and a server has: controllers, a clock that is set. */
export const lacking: readonly string[] = ["cgroups", "time_sync"];

const commandTimeoutMs = 900_000;
const repository = new URL("../../", import.meta.url).pathname;

/** Builds both executables from a tree. */
export async function build(folder: string, tree = repository): Promise<Build> {
  await demandCommand("build the executables", [
    ...[Deno.execPath(), "task", "--quiet", "build", "--out", folder],
  ], { cwd: tree, timeoutMs: 900_000 });
  return { folder };
}

/** All that the test sees and touches. */
export class Scene implements AsyncDisposable {
  readonly machine: Machine;
  readonly images: { readonly v1: string; readonly v2: string };
  /** `HOST:PORT` of the image registry. */
  readonly registryAddress: string;
  readonly home: string;
  readonly #build: Build;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: Pick<Scene, "machine" | "images" | "registryAddress" | "home">,
    made: Build,
    stack: AsyncDisposableStack,
  ) {
    this.machine = parts.machine;
    this.images = parts.images;
    this.registryAddress = parts.registryAddress;
    this.home = parts.home;
    this.#build = made;
    this.#stack = stack;
  }

  /** Boots the machine and puts two versions of a small web server into the registry. */
  static async open(made: Build, tell: (line: string) => void): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const port = freePort();
    const machine = stack.use(await Machine.boot({ plainRegistryPorts: [port], tell }));
    const registry = stack.use(
      await serveImages(
        `${machine.addresses.outside}:${port}`,
        { program: await ensureRegistryProgram(tell) },
      ),
    );
    const web = (tag: "v1" | "v2") => {
      const { start = "", ["index.html"]: page = "" } = helloWeb(tag).files;
      return putImage(registry.address, {
        name: "hello-web",
        tag,
        files: { "start": start, "www/index.html": page },
        command: ["/bin/sh", "/start"],
      });
    };
    const images = { v1: await web("v1"), v2: await web("v2") };
    const home = stack.use(await ThrowAwayFolder.make()).path;
    const registryAddress = registry.address;
    return new Scene({ machine, images, registryAddress, home }, made, stack.move());
  }

  /** The path of a built executable. */
  built(name: string): string {
    return `${this.#build.folder}/${name}`;
  }

  /** Types a line at the workstation, and gives what it printed on standard output. */
  async workstation(
    line: string,
    options: { readonly stdin?: string; readonly codes?: readonly number[] } = {},
  ): Promise<string> {
    const { code, out, err } = await this.#type(line, options.stdin ?? "");
    ok((options.codes ?? [0]).includes(code), `${line} ended with ${code}: ${err}${out}`);
    return out;
  }

  /** Whether a line typed at the workstation succeeds. */
  async answers(line: string): Promise<boolean> {
    return (await this.#type(line, "")).code === 0;
  }

  async #type(line: string, stdin: string) {
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", line],
      cwd: this.home,
      clearEnv: true,
      env: {
        HOME: this.home,
        PATH: `${this.#build.folder}:/usr/bin:/bin`,
        LANG: "C.UTF-8",
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(commandTimeoutMs),
    }).spawn();
    const writer = child.stdin.getWriter();
    // A command that asks for nothing may have ended already.
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
    const [{ code }, out, err] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code, out, err };
  }

  /** What `mcp … --json` printed. */
  // deno-lint-ignore no-explicit-any -- the test says what it expects of it
  async json(line: string, codes?: readonly number[]): Promise<any> {
    return JSON.parse(
      await this.workstation(`${line} --json`, codes === undefined ? {} : { codes }),
    );
  }

  /** Writes a definition of one component that serves a page on a port of the node. */
  async define(
    service: string,
    options: { readonly image: string; readonly port: number; readonly restart: string },
  ): Promise<void> {
    const folder = `${this.home}/.config/mcp/services`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/${service}.toml`,
      `name = "${service}"\nnode = "rift"\nactive = true\n\n` +
        `[[components]]\nname = "${service}"\nimage = "${options.image}"\n` +
        `ports = ["${options.port}:8080"]\nrestart = "${options.restart}"\n` +
        `volumes = ["/srv/${service}/data:/data"]\n`,
    );
  }

  /** The page that is served on a port of the node, if one is. */
  async page(port: number, timeoutMs = 5_000): Promise<string | undefined> {
    try {
      const url = `http://${this.machine.addresses.inside}:${port}/`;
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
      return await response.text();
    } catch {
      // Nobody listens, or nobody answers: there is no page.
      return undefined;
    }
  }

  /** Waits for a page with these words. */
  async requirePage(port: number, words: string): Promise<void> {
    await eventually(`port ${port} serves ${words}`, async () => {
      return (await this.page(port))?.includes(words) || undefined;
    });
  }

  /** Asks for a page all the time while something is done; every single time it must be served. */
  async servingThroughout(port: number, doing: () => Promise<unknown>): Promise<void> {
    let asked = 0;
    let missed = 0;
    let done = false;
    const asking = (async () => {
      while (!done) {
        asked++;
        // A busy machine may take its time; what counts is that it is answered.
        if (await this.page(port, 60_000) === undefined) missed++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    try {
      await doing();
    } finally {
      done = true;
      await asking;
    }
    strictEqual(missed, 0, `${missed} of ${asked} times there was no page`);
  }

  /** Types a line at the node, as root. */
  async node(line: string, options: { readonly codes?: readonly number[] } = {}): Promise<string> {
    const { code, stdout, stderr } = await this.machine.run(["sh", "-c", `cd && ${line}`], {
      timeoutMs: commandTimeoutMs,
    });
    ok((options.codes ?? [0]).includes(code), `${line} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Runs podman on the node as operators are told to: by the socket of its service. */
  async podman(...args: readonly string[]): Promise<string> {
    const url = "unix:///run/mcp-podman/podman.sock";
    return await this.machine.demand(["podman", "--remote", `--url=${url}`, ...args], {
      user: "mcp",
      env: { HOME: "/srv/mcp" },
    });
  }

  /** The containers by name, running or not. */
  async containers(): Promise<Record<string, Container>> {
    const names = (await this.podman("ps", "--all", "--format={{.Names}}")).trim();
    if (names === "") return {};
    const list = JSON.parse(await this.podman("inspect", ...names.split("\n")));
    return Object.fromEntries(list.map((each: Record<string, never>) => {
      const { Id: id, Name, State } = each as unknown as {
        Id: string;
        Name: string;
        State: { StartedAt: string; Pid: number; Status: string };
      };
      const container: Container = {
        id,
        startedAt: State.StartedAt,
        pid: State.Pid,
        status: State.Status,
      };
      return [Name, container];
    }));
  }

  /** The main process of a unit, as numbered in the machine. */
  async mainPid(unit: string): Promise<number> {
    return Number(await this.property(unit, "MainPID"));
  }

  /** A property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    const argv = ["systemctl", "show", `--property=${name}`, "--value", unit];
    return (await this.machine.demand(argv)).trim();
  }

  /** A field of /proc/PID/status. */
  async processStatus(pid: number): Promise<Readonly<Record<string, string>>> {
    const text = await this.machine.demand(["cat", `/proc/${pid}/status`]);
    return Object.fromEntries(
      text.trim().split("\n").map((line) => line.split(":\t").map((part) => part.trim())),
    );
  }

  /** The registry as it lies on the disk; a copy is opened, so that nothing on the disk changes. */
  async registry<T>(look: (database: DatabaseSync) => T): Promise<T> {
    await using copy = await ThrowAwayFolder.make();
    const file = this.machine.disk("/srv/mcp/mcp.db");
    for (const end of ["", "-wal"]) {
      await Deno.copyFile(`${file}${end}`, copy.at(`mcp.db${end}`)).catch((error) => {
        // An agent that was stopped has put its log away.
        if (!(error instanceof Deno.errors.NotFound) || end === "") throw error;
      });
    }
    const database = new DatabaseSync(copy.at("mcp.db"));
    try {
      return look(database);
    } finally {
      database.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
