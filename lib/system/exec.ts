/**
 * Running programs: argv in, exit code and output out. No shell, always a deadline.
 *
 * @module
 */

import { McpError } from "../errors.ts";

/** How a program is to be run. */
export interface ExecOptions {
  /** The program is killed when it has not ended by then. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Written to standard input, which is empty otherwise. */
  readonly stdin?: string | undefined;
  /**
   * Bytes of standard output that are kept (default 64 MiB); a program that
   * prints more is killed. Of standard error only the last 64 KiB are kept.
   */
  readonly maxOutputBytes?: number;
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

/** {@link Exec} by `Deno.Command`. */
export const realExec: Exec = async (argv, options) => {
  const [program = "", ...args] = argv;
  const failed = (what: string, cause?: unknown) =>
    new McpError("unavailable", `Cannot run ${program} ${args[0] ?? ""}: ${what}`, { cause });
  if (options.signal?.aborted) throw failed("it was called off", options.signal.reason);

  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw failed("it did not start", error);
  }

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
  };
  const onAbort = () => kill(failed("it was called off", options.signal?.reason));
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(
    () => kill(failed(`no answer within ${options.timeoutMs / 1000} s`)),
    options.timeoutMs,
  );
  try {
    const max = options.maxOutputBytes ?? defaultMaxOutputBytes;
    const [stdout, stderr, status] = await Promise.all([
      readHead(child.stdout, max, () => kill(failed(`it printed more than ${max} bytes`))),
      readTail(child.stderr, keptStderrBytes),
      child.status,
      writeAll(child, options.stdin),
    ]);
    if (killedFor !== undefined) throw killedFor;
    return { code: status.code, stdout, stderr };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
};

async function writeAll(child: Deno.ChildProcess, text: string | undefined): Promise<void> {
  if (text === undefined) return;
  try {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program ended without reading it all; its exit code tells the story.
  }
}

async function readHead(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  onOverflow: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) onOverflow();
    else parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

async function readTail(stream: ReadableStream<Uint8Array>, keptBytes: number): Promise<string> {
  let tail = new Uint8Array(0);
  for await (const chunk of stream) {
    const joined = new Uint8Array(tail.byteLength + chunk.byteLength);
    joined.set(tail);
    joined.set(chunk, tail.byteLength);
    tail = joined.subarray(Math.max(0, joined.byteLength - keptBytes));
  }
  return new TextDecoder().decode(tail);
}
