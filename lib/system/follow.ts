/**
 * Following a program that goes on printing: each line as it comes, until it ends or is called off.
 *
 * There is no deadline, because there is no end to wait for: the signal ends it.
 *
 * @module
 */

import { McpError } from "../errors.ts";
import { Lines } from "./lines.ts";

/** How a program is followed. */
export interface FollowOptions {
  /** Kills the program. */
  readonly signal: AbortSignal;
  /**
   * Gets each line of standard output, without its line feed. While a promise that it returns is not
   * settled nothing more is read, and the program waits as well.
   */
  readonly onLine: (line: string) => unknown;
  /** Gets those of standard error, which is not listened to otherwise. */
  readonly onErrorLine?: (line: string) => unknown;
  /** Whether what lacks a line feed at the very end is a line as well. */
  readonly takesUnfinished?: boolean;
}

/**
 * Runs a program and hands over its lines; resolves with its exit code when it ends by itself or
 * was called off.
 *
 * @throws {McpError} `unavailable` when it cannot be started.
 */
export type Follow = (argv: readonly string[], options: FollowOptions) => Promise<number>;

/** How long its output is read on when the program has ended and what it left behind holds it open. */
const leftBehindMs = 1_000;

/** {@link Follow} by `Deno.Command`. */
export const realFollow: Follow = async (argv, options) => {
  const { signal, onLine, onErrorLine, takesUnfinished = false } = options;
  const [program = "", ...args] = argv;
  const stderr = onErrorLine === undefined ? "null" : "piped";
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr }).spawn();
  } catch (error) {
    throw new McpError("unavailable", `Cannot follow ${program} ${args[0] ?? ""}`, {
      cause: error,
    });
  }
  const outputs = [
    new Output(child.stdout, onLine, takesUnfinished),
    ...(onErrorLine === undefined ? [] : [new Output(child.stderr, onErrorLine, takesUnfinished)]),
  ];
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has just ended by itself.
    }
    for (const output of outputs) output.hangUp();
  };
  const ended = child.status.then(({ code }) => {
    for (const output of outputs) output.programEnded();
    return code;
  });
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    await Promise.all(outputs.map((output) => output.readAll()));
    return await ended;
  } catch (error) {
    // Nobody listens any more.
    kill();
    throw error;
  } finally {
    // Once it has ended, so that no timer is set after this.
    await ended;
    for (const output of outputs) output.programEnded(false);
    signal.removeEventListener("abort", kill);
  }
};

/** One of the two streams that a program prints to. */
class Output {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #onLine: FollowOptions["onLine"];
  readonly #takesUnfinished: boolean;
  #isWaiting = false;
  #isOver = false;
  #leftBehind: ReturnType<typeof setTimeout> | undefined;

  constructor(
    stream: ReadableStream<Uint8Array>,
    onLine: FollowOptions["onLine"],
    takesUnfinished: boolean,
  ) {
    this.#reader = stream.getReader();
    this.#onLine = onLine;
    this.#takesUnfinished = takesUnfinished;
  }

  hangUp(): void {
    void this.#reader.cancel().catch(() => {});
  }

  /** All there will be is in the pipe; only what the program left behind can hold that open. */
  programEnded(mayComeMore = true): void {
    this.#isOver = true;
    clearTimeout(this.#leftBehind);
    if (mayComeMore && this.#isWaiting) {
      this.#leftBehind = setTimeout(() => this.hangUp(), leftBehindMs);
    }
  }

  async readAll(): Promise<void> {
    const lines = new Lines();
    for (;;) {
      const { done, value } = await this.#read();
      if (done) {
        const rest = this.#takesUnfinished ? lines.unfinished : undefined;
        if (rest !== undefined) await this.#onLine(rest);
        return;
      }
      for (const line of lines.take(value)) {
        const told = this.#onLine(line);
        // Most are told at once, and need not wait for a turn.
        if (told instanceof Promise) await told;
      }
    }
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.#isWaiting = true;
    if (this.#isOver) this.programEnded();
    try {
      return await this.#reader.read();
    } finally {
      this.#isWaiting = false;
      clearTimeout(this.#leftBehind);
    }
  }
}
