/**
 * A host to install on that is a folder: files are real, and programs do there what they would do.
 *
 * @module
 */

import type { BuiltProgram, Machine } from "../../agent/node/install/machine.ts";
import { layoutBelow, nodePodmanUrl, programs } from "../../agent/node/install/layout.ts";
import { readNodeFiles } from "../../agent/node/install/node_files.ts";
import { init } from "../../agent/processes/init.ts";
import { snapshot } from "../../agent/processes/snapshot.ts";
import type { Exec, ExecResult } from "../../lib/system/exec.ts";
import { realFiles } from "../../lib/system/files.ts";
import type { Clock } from "../../lib/system/clock.ts";
import { ThrowAwayFolder } from "./throw_away_folder.ts";

/** The number of the user mcp there. Who is not root can give files to nobody else. */
export const nodeUid = Deno.uid() || 990;

/** A Debian with systemd and podman, and nothing of ours. */
export class FakeHost implements AsyncDisposable {
  readonly root: string;
  /** Every program that was run, in one line each. */
  readonly lines: string[] = [];
  /** Gets each line before the program is run; what it throws ends the program. */
  onRun: (line: string) => void | Promise<void> = () => {};
  /** Whether an agent that is started serves; else it ends at once, again and again. */
  serves: () => boolean = () => true;
  readonly #folder: ThrowAwayFolder;
  readonly #enabled = new Set<string>();
  readonly #active = new Set<string>();
  #startedAt = new Date();
  #restarts = 0;

  private constructor(folder: ThrowAwayFolder) {
    this.#folder = folder;
    this.root = folder.path;
  }

  static async make(): Promise<FakeHost> {
    const host = new FakeHost(await ThrowAwayFolder.make());
    for (const path of ["etc", "srv", "run/systemd/system", "var/lib/systemd/linger", "root"]) {
      await Deno.mkdir(`${host.root}/${path}`, { recursive: true });
    }
    await host.#write("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n');
    await host.#write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    await host.#write("etc/subuid", "");
    await host.#write("etc/subgid", "");
    return host;
  }

  /**
   * A program as a build makes it: a file that names its runtime, and the runtime.
   *
   * @param content What makes it differ from others.
   */
  async program(content: string): Promise<BuiltProgram> {
    const name = Array.from(new TextEncoder().encode(content.padEnd(8, "-"))).map((byte) =>
      byte.toString(16).padStart(2, "0")
    ).join("");
    const runtime = `${this.root}/root/.cache/mcp/${name}`;
    const executable = `${this.root}/root/mcp-agent-${content}`;
    await Deno.mkdir(`${runtime}/share`, { recursive: true });
    await Deno.writeTextFile(`${runtime}/deno`, "", { mode: 0o700 });
    await Deno.writeTextFile(`${runtime}/share/${content}`, content, { mode: 0o600 });
    await Deno.writeTextFile(executable, `#!/bin/sh\n# ${name}\n`, { mode: 0o755 });
    return { executable, runtime };
  }

  /** The host as that program sees it. */
  async machine(program: BuiltProgram): Promise<Machine> {
    const layout = layoutBelow(this.root);
    return {
      root: this.root,
      layout,
      isRoot: true,
      program,
      // Those of the source: they are the same in every program of these tests.
      nodeFiles: await readNodeFiles(realFiles, undefined),
      exec: this.#exec,
      files: realFiles,
      clock: this.#clock,
      answers: () => Promise.resolve(this.#active.has("mcp-agent.service") && this.serves()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }

  /** Waiting takes no time. */
  readonly #clock: Clock = {
    now: () => new Date(),
    sleep: () => {
      if (!this.serves()) this.#restarts++;
      return Promise.resolve();
    },
  };

  readonly #exec: Exec = async (argv) => {
    const line = argv.join(" ").replaceAll(this.root, "");
    this.lines.push(line);
    await this.onRun(line);
    return { code: 0, stderr: "", stdout: "", ...await this.#run(argv) };
  };

  async #run([program = "", ...args]: readonly string[]): Promise<Partial<ExecResult>> {
    switch (program) {
      case programs.systemctl:
        return this.#systemctl(args);
      case programs.dpkgQuery:
        return { stdout: args.slice(3).map((name) => `${name} installed\n`).join("") };
      case programs.sysusers:
        await this.#append(
          "etc/passwd",
          `mcp:x:${nodeUid}:${nodeUid}::${this.root}/var/lib/mcp:/\n`,
        );
        return {};
      case programs.usermod:
        if (args.includes("--add-subuids")) await this.#append("etc/subuid", "mcp:100000:65536\n");
        if (args.includes("--add-subgids")) await this.#append("etc/subgid", "mcp:100000:65536\n");
        return {};
      case programs.loginctl:
        await this.#write("var/lib/systemd/linger/mcp", "");
        return {};
      case programs.tmpfiles:
        for (const path of ["var/lib/mcp", "srv", "srv/mcp"]) {
          await Deno.mkdir(`${this.root}/${path}`, { recursive: true });
          await Deno.chown(`${this.root}/${path}`, nodeUid, null);
        }
        return {};
      case programs.setpriv:
        return { stdout: await this.#asNodeUser(args.slice(args.indexOf("--") + 1)) };
      case programs.journalctl:
        return { stdout: "Error: the agent's last words\n" };
      default:
        throw new Error(`There is no ${program} on this host`);
    }
  }

  #systemctl([verb = "", ...args]: readonly string[]): Partial<ExecResult> {
    switch (verb) {
      case "--version":
        return { stdout: "systemd 252 (252.38-1~deb12u1)\n" };
      case "show":
        return {
          stdout: args.slice(args.indexOf("--") + 1).map((unit) => this.#shown(unit)).join("\n"),
        };
      case "enable":
        for (const unit of args) this.#enabled.add(unit);
        return {};
      case "start":
      case "restart":
        for (const unit of args) this.#active.add(unit);
        if (args.includes("mcp-agent.service")) {
          this.#startedAt = new Date();
          this.#restarts = 0;
        }
        return {};
      case "disable":
        for (const unit of args) {
          this.#enabled.delete(unit);
          this.#active.delete(unit);
        }
        return {};
      default:
        return {};
    }
  }

  #shown(unit: string): string {
    const time = this.#startedAt.toISOString().replace("T", " ").replace("Z", "000 UTC");
    return [
      `Id=${unit}`,
      `ActiveState=${this.#active.has(unit) ? "active" : "inactive"}`,
      `UnitFileState=${this.#enabled.has(unit) ? "enabled" : "disabled"}`,
      "NeedDaemonReload=no",
      ...(unit === "mcp-agent.service"
        ? ["MainPID=227", `NRestarts=${this.#restarts}`, `ExecMainStartTimestamp=Mon ${time}`]
        : []),
      "",
    ].join("\n");
  }

  async #asNodeUser([, verb = "", ...args]: readonly string[]): Promise<string> {
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    const value = (flag: string) => args[args.indexOf(flag) + 1] ?? "";
    if (verb === "init") {
      await init.run({
        config: value("--config"),
        json: true,
        nodeName: value("--node-name"),
        address: value("--address"),
        listen: value("--listen"),
        serviceRoot: "/srv",
        podmanUrl: nodePodmanUrl,
        lifetime: value("--token-lifetime"),
      }, print);
    } else if (verb === "snapshot") {
      await snapshot.run({ config: value("--config"), json: true, keep: 14 }, print);
    } else throw new Error(`There is no mcp-agent ${verb} on this host`);
    return lines.join("\n");
  }

  async #write(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.root}/${path}`, text);
  }

  async #append(path: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.root}/${path}`, text, { append: true });
  }
}
