/**
 * Running programs: argv in, exit code and output out. No shell, always a deadline.
 *
 * @module
 */

import { McpError } from "../errors.ts";
import { longestTimerMs } from "./clock.ts";

/** How a program is to be run. */
export interface ExecOptions {
  /**
   * The program is killed when it has not ended by then. What it has started
   * itself is not; it is no longer listened to.
   */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Written to standard input, which is empty otherwise. */
  readonly stdin?: string | Uint8Array | undefined;
  /**
   * Bytes of standard output that are kept (default 64 MiB); a program that
   * prints more is killed. Of standard error only the last 64 KiB are kept.
   */
  readonly maxOutputBytes?: number;
  /** Gives each line of standard error as it comes, the long ones in parts. */
  readonly onStderrLine?: ((line: string) => void) | undefined;
  /** The program's whole environment; that of this process unless it is said. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program ended. */
export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end; a non-zero exit code is a result, not an error.
 *
 * @throws {McpError} `unavailable` when the program cannot be started, does not
 *   end in time, is aborted, or prints more than is kept.
 */
export type Exec = (argv: readonly string[], options: ExecOptions) => Promise<ExecResult>;

const defaultMaxOutputBytes = 64 * 1024 * 1024;
const keptStderrBytes = 64 * 1024;
/** Characters after which a line is told though it is not over yet. */
const longestLine = 4 * 1024;
/**
 * How long pipes are read on after the program has ended or was killed. All it
 * printed is there by then; only what it left behind can hold them open.
 */
const leftBehindMs = 1_000;

/** {@link Exec} by `Deno.Command`. */
export const realExec: Exec = async (argv, options) => {
  const [program = "", ...args] = argv;
  const failed = (what: string, cause?: unknown, isTimeout = false) =>
    new McpError("unavailable", `Cannot run ${program} ${args[0] ?? ""}: ${what}`, {
      cause,
      isTimeout,
    });
  if (options.signal?.aborted) throw failed("it was called off", options.signal.reason);

  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      ...(options.env === undefined ? {} : { env: { ...options.env }, clearEnv: true }),
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw failed("it did not start", error);
  }

  const stdout = child.stdout.getReader();
  const stderr = child.stderr.getReader();
  const stdin = options.stdin === undefined ? undefined : child.stdin.getWriter();
  const overdue = Promise.withResolvers<void>();
  let leftBehind: ReturnType<typeof setTimeout> | undefined;
  const stopListening = () => leftBehind ??= setTimeout(overdue.resolve, leftBehindMs);

  // The first reason to kill is the one that is told.
  let killedFor: McpError | undefined;
  const kill = (reason: McpError) => {
    if (killedFor !== undefined) return;
    killedFor = reason;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has just ended by itself: then there is nothing to kill.
    }
    stopListening();
  };
  const onAbort = () => kill(failed("it was called off", options.signal?.reason));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const deadline = setTimeout(
    () => kill(failed(`no answer within ${options.timeoutMs / 1000} s`, undefined, true)),
    Math.min(options.timeoutMs, longestTimerMs),
  );
  const stopWatching = () => {
    clearTimeout(deadline);
    options.signal?.removeEventListener("abort", onAbort);
  };
  try {
    const max = options.maxOutputBytes ?? defaultMaxOutputBytes;
    const ended = child.status.then((status) => {
      // It was in time, whatever becomes of its pipes.
      stopWatching();
      stopListening();
      return status;
    });
    const all = Promise.all([
      readHead(stdout, max, () => kill(failed(`it printed more than ${max} bytes`))),
      readTail(stderr, keptStderrBytes, options.onStderrLine),
      ended,
      writeAll(stdin, options.stdin),
    ]);
    await Promise.race([all, overdue.promise]);
    if (killedFor !== undefined) throw killedFor;
    await hangUp(stdout, stderr, stdin);
    const [head, tail, status] = await all;
    return { code: status.code, stdout: head, stderr: tail };
  } finally {
    stopWatching();
    clearTimeout(leftBehind);
    await hangUp(stdout, stderr, stdin);
  }
};

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Writer = WritableStreamDefaultWriter<Uint8Array>;

/** Ends all reading and writing that is still under way; pipes at their end are left as they are. */
async function hangUp(stdout: Reader, stderr: Reader, stdin: Writer | undefined): Promise<void> {
  await Promise.allSettled([stdout.cancel(), stderr.cancel(), stdin?.abort()]);
}

async function writeAll(
  writer: Writer | undefined,
  input: string | Uint8Array = "",
): Promise<void> {
  if (writer === undefined) return;
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // The program ended without reading it all; its exit code tells the story.
  }
}

async function* chunksOf(reader: Reader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function readHead(
  reader: Reader,
  maxBytes: number,
  onOverflow: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(reader)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      // Nobody will read it: the program is killed, and that is what is told.
      parts.length = 0;
      onOverflow();
    } else parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

async function readTail(
  reader: Reader,
  keptBytes: number,
  onLine: ((line: string) => void) | undefined,
): Promise<string> {
  let tail = new Uint8Array(0);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunksOf(reader)) {
    if (onLine !== undefined) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > longestLine) {
        lines.push(rest);
        rest = "";
      }
      for (const line of lines) onLine(line);
    }
    const joined = new Uint8Array(tail.byteLength + chunk.byteLength);
    joined.set(tail);
    joined.set(chunk, tail.byteLength);
    tail = joined.subarray(Math.max(0, joined.byteLength - keptBytes));
  }
  return new TextDecoder().decode(tail);
}
