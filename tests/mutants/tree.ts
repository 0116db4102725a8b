/**
 * A copy of the working tree in which files may be broken and mended.
 *
 * @module
 */

import { dirname } from "node:path";
import { broken, type Mutant, testArgs, type TestSet } from "./mutant.ts";
import type { TestRun } from "./verdict.ts";

/** A copy of its own for each who breaks something. */
export class Tree {
  readonly #path: string;
  readonly #report: string;

  private constructor(path: string) {
    this.#path = path;
    this.#report = `${path}.xml`;
  }

  /** Copies what is in git or would be, as it is now, with what was changed since the last commit. */
  static async copy(repository: string, path: string): Promise<Tree> {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const { success, stdout, stderr } = await new Deno.Command("git", { args, cwd: repository })
      .output();
    if (!success) throw new Error(`Cannot list the tree: ${new TextDecoder().decode(stderr)}`);
    const names = new TextDecoder().decode(stdout).split("\0").filter((name) => name !== "");
    for (const name of new Set(names)) {
      await Deno.mkdir(dirname(`${path}/${name}`), { recursive: true });
      await Deno.copyFile(`${repository}/${name}`, `${path}/${name}`).catch((error) => {
        // Deleted, and not committed yet: it is not in the tree any more.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    return new Tree(path);
  }

  /** Does something while a guard is broken. */
  async whileBroken<T>(mutant: Mutant, act: () => Promise<T>): Promise<T> {
    const path = `${this.#path}/${mutant.file}`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, broken(text, mutant));
    try {
      return await act();
    } finally {
      await Deno.writeTextFile(path, text);
    }
  }

  /** Runs tests; they and all that they have started are killed at the deadline, and by the signal. */
  async test(set: TestSet, timeoutMs: number, signal: AbortSignal): Promise<TestRun> {
    signal.throwIfAborted();
    await Deno.remove(this.#report).catch(() => {
      // There was none yet.
    });
    const beganAt = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: testArgs(set, this.#report),
      cwd: this.#path,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      // A group of its own: agents and podmans that tests start end with it.
      detached: true,
    }).spawn();
    const kill = () => {
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch {
        // It has just ended by itself.
      }
    };
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      kill();
    }, timeoutMs);
    signal.addEventListener("abort", kill, { once: true });
    try {
      const { code: exitCode } = await child.status;
      signal.throwIfAborted();
      const report = await Deno.readTextFile(this.#report).catch(() => "");
      return { exitCode, report, isLate, elapsedMs: performance.now() - beganAt };
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener("abort", kill);
      // What a test has left behind.
      kill();
    }
  }
}
