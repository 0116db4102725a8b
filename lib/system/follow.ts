/**
 * Following a program that goes on printing: each line as it comes, until it ends or is called off.
 *
 * There is no deadline, because there is no end to wait for: the signal ends it.
 *
 * @module
 */

import { McpError } from "../errors.ts";

/** How a program is followed. */
export interface FollowOptions {
  /** Kills the program. */
  readonly signal: AbortSignal;
  /** Gets each line of standard output, without its line feed; what lacks one is none. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs a program and hands over its lines; resolves with its exit code when it ends by itself or
 * was called off.
 *
 * @throws {McpError} `unavailable` when it cannot be started.
 */
export type Follow = (argv: readonly string[], options: FollowOptions) => Promise<number>;

/** A line that is longer than this is dropped: nobody we follow prints such. */
const longestLine = 1024 * 1024;
/** How long its output is read on when the program has ended and what it left behind holds it open. */
const leftBehindMs = 1_000;

/** {@link Follow} by `Deno.Command`. */
export const realFollow: Follow = async (argv, { signal, onLine }) => {
  const [program = "", ...args] = argv;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" })
      .spawn();
  } catch (error) {
    throw new McpError("unavailable", `Cannot follow ${program} ${args[0] ?? ""}`, {
      cause: error,
    });
  }
  const reader = child.stdout.getReader();
  const hangUp = () => void reader.cancel().catch(() => {});
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has just ended by itself.
    }
    hangUp();
  };
  let leftBehind: ReturnType<typeof setTimeout> | undefined;
  const ended = child.status.then(({ code }) => {
    leftBehind = setTimeout(hangUp, leftBehindMs);
    return code;
  });
  signal.addEventListener("abort", kill, { once: true });
  if (signal.aborted) kill();
  try {
    const decoder = new TextDecoder();
    let rest = "";
    let isTooLong = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!isTooLong && line.length <= longestLine) onLine(line);
        isTooLong = false;
      }
      if (rest.length > longestLine) {
        isTooLong = true;
        rest = "";
      }
    }
    return await ended;
  } catch (error) {
    // Nobody listens any more.
    kill();
    throw error;
  } finally {
    // Once it has ended, so that no timer is set after this.
    await ended;
    clearTimeout(leftBehind);
    signal.removeEventListener("abort", kill);
  }
};
