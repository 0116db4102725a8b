/**
 * An operator's workstation: a home folder, a keyboard, a screen, and `mcp` run in process.
 *
 * @module
 */

import { join } from "node:path";
import { run } from "../../cli/run.ts";
import type { Environment } from "../../cli/system.ts";
import type { Keyboard, Screen } from "../../cli/terminal/terminal.ts";
import { realClock } from "../../lib/system/clock.ts";
import { realExec } from "../../lib/system/exec.ts";
import { realFiles } from "../../lib/system/files.ts";
import { realForeground } from "../../lib/system/foreground.ts";
import { certificates } from "./scripted_node.ts";

/** What time it is on the workstation. */
export const now: Date = new Date("2026-03-01T12:00:00Z");

/** What one run of `mcp` left behind. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Standard output, where it is no text. */
  readonly bytes: Uint8Array;
}

/** How `mcp` is run. */
export interface RunOptions {
  readonly env?: Environment;
  /** Standard input, redirected. */
  readonly stdin?: string;
  /** What the operator types; standard input, output and error are then a terminal. */
  readonly keys?: readonly string[];
  readonly terminal?: boolean;
  readonly interrupted?: AbortSignal;
  /** What time it is, when it is not {@link now}. */
  readonly now?: Date;
  /** Sleeping, where a test has no time for it. */
  readonly sleep?: typeof realClock.sleep;
  /** Told all that was written to a screen, each time. */
  readonly onOut?: (out: string) => void;
  readonly onErr?: (err: string) => void;
  /** Whether whoever reads standard output has gone. */
  readonly readerHasGone?: () => boolean;
}

/** One home folder; `await using` removes it. */
export class Workstation implements AsyncDisposable {
  readonly home: string = Deno.makeTempDirSync({ prefix: "mcp-cli-test-" });
  readonly folder: string = join(this.home, ".config", "mcp");
  readonly configFile: string = join(this.folder, "mcp.toml");
  /** Whether the last run left the terminal raw. */
  raw = false;

  /** Runs `mcp`. */
  async run(line: string | readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const isTerminal = options.terminal ?? options.keys !== undefined;
    let out = "";
    let err = "";
    const bytes: number[] = [];
    const stdout: Screen = {
      isTerminal,
      write(text) {
        out += text;
        options.onOut?.(out);
      },
      writeBytes: (content) => bytes.push(...content),
      get isClosed() {
        return options.readerHasGone?.() ?? false;
      },
    };
    const stderr: Screen = {
      isTerminal,
      write(text) {
        err += text;
        options.onErr?.(err);
      },
      writeBytes: () => {},
      isClosed: false,
    };
    const code = await run(typeof line === "string" ? line.split(" ") : line, {
      env: { HOME: this.home, ...options.env },
      clock: { now: () => options.now ?? now, sleep: options.sleep ?? realClock.sleep },
      files: realFiles,
      foreground: realForeground,
      exec: realExec,
      terminal: {
        stdout,
        stderr,
        stdin: this.#keyboard(options),
        columns: () => isTerminal ? 200 : undefined,
      },
      interrupted: options.interrupted ?? new AbortController().signal,
    });
    return { code, out, err, bytes: Uint8Array.from(bytes) };
  }

  #keyboard(options: RunOptions): Keyboard {
    const input = [...(options.keys ?? [options.stdin ?? ""])];
    return {
      isTerminal: options.keys !== undefined,
      read() {
        const text = input.shift();
        return Promise.resolve(
          text === undefined || text === "" ? undefined : new TextEncoder().encode(text),
        );
      },
      setRaw: (raw) => {
        this.raw = raw;
      },
    };
  }

  /** Writes below the config folder. */
  async write(path: string, text: string, mode = 0o644): Promise<string> {
    const file = join(this.folder, path);
    await realFiles.writeText(file, text, { mode });
    return file;
  }

  /** Reads below the config folder. */
  async read(path: string): Promise<string | undefined> {
    return await realFiles.readText(join(this.folder, path));
  }

  /** A config with these nodes, the CA they share, and a token for each. */
  async know(
    ...nodes: readonly { readonly name: string; readonly address: string; readonly token: string }[]
  ): Promise<void> {
    await this.write("ca.pem", certificates.ca);
    const tables = nodes.map(({ name, address }) =>
      `[[nodes]]\nname = "${name}"\naddress = "${address}"\n`
    );
    await this.write("mcp.toml", `[tls]\nca_cert = "ca.pem"\n\n${tables.join("\n")}`);
    for (const { name, token } of nodes) await this.write(`tokens/${name}`, `${token}\n`, 0o600);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

/** What a run printed with `--json`. */
// deno-lint-ignore no-explicit-any -- tests say what they expect of it
export function json(outcome: Outcome): any {
  return JSON.parse(outcome.out);
}

const main = new URL("../../cli/main.ts", import.meta.url).pathname;

/** The permission set of the CLI, as `cli/main.ts` lists it, without the editor's. */
export const grants: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env=HOME,XDG_CONFIG_HOME,MCP_CONFIG,MCP_TOKEN,NO_COLOR,TERM,EDITOR,VISUAL",
  "--ignore-env",
];

/** How one process of `mcp` is started, for a shell or for `Deno.Command`. */
export function processArgv(...args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-check", ...grants, main, ...args];
}

/** The cache to start from; the test's own HOME has none. */
export async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
