/**
 * A process that exchanges two names without end, as a container could that shares the folder.
 *
 * Run by {@link Swapper}; as a program of its own it takes two paths, the path of a file that ends
 * it, and how often to exchange before a pause of how many milliseconds at most.
 *
 * @module
 */

/** Exchanges two names until it is disposed of. */
export class Swapper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stop: string;

  private constructor(child: Deno.ChildProcess, stop: string) {
    this.#child = child;
    this.#stop = stop;
  }

  /**
   * Starts one; it exchanges already when this resolves.
   *
   * @param pause After how many exchanges it rests, and for how long at most; never when left out.
   */
  static async start(
    names: readonly [string, string],
    pause: { readonly every: number; readonly upToMs: number } = { every: 0, upToMs: 0 },
  ): Promise<Swapper> {
    const stop = await Deno.makeTempFile({ prefix: "mcp-swapper-" });
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--cached-only",
        "--allow-all",
        import.meta.url,
        ...names,
        stop,
        `${pause.every}`,
        `${pause.upToMs}`,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    return new Swapper(child, stop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#stop);
    const { success } = await this.#child.status;
    await this.#child.stdout.cancel();
    if (!success) throw new Error("The process that exchanges names failed");
  }
}

/** Exchanges in one step where the kernel can, which leaves no moment in which a name is free. */
function run(
  [one = "", other = "", stop = "", every = "0", upToMs = "0"]: readonly string[],
): void {
  const libc = Deno.dlopen("libc.so.6", {
    renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
  });
  const [atCwd, exchange] = [-100, 2];
  const names = [one, other].map((name) => new TextEncoder().encode(`${name}\0`));
  const [first, second] = names;
  if (first === undefined || second === undefined) throw new Error("Two names are needed");
  const rest = new Int32Array(new SharedArrayBuffer(4));
  Deno.stdout.writeSync(new TextEncoder().encode("exchanging\n"));
  for (let count = 1;; count++) {
    if (libc.symbols.renameat2(atCwd, first, atCwd, second, exchange) !== 0) {
      throw new Error(`Cannot exchange ${one} and ${other}`);
    }
    if (Number(every) > 0 && count % Number(every) === 0) {
      Atomics.wait(rest, 0, 0, Math.random() * Number(upToMs));
    }
    if (count % 64 === 0 || Number(every) > 0) {
      try {
        Deno.statSync(stop);
      } catch {
        return libc.close();
      }
    }
  }
}

if (import.meta.main) run(Deno.args);
