/**
 * Programs as somebody types them: from the fork to the end of the process.
 *
 * @module
 */

/** How a program is run. */
export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** How it ended: well, or there would be none. */
export interface EndedProcess {
  readonly stdout: string;
  readonly stderr: string;
  /** From before it was started until it had ended, in ms. */
  readonly ms: number;
}

const defaultTimeoutMs = 120_000;

/**
 * Runs a program to its end and requires that it succeeds.
 *
 * What it prints goes into a pipe and is read, as by somebody who looks at it.
 */
export async function wholeProcess(
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<EndedProcess> {
  const [program = "", ...args] = argv;
  const from = performance.now();
  const child = new Deno.Command(program, {
    args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const output = await child.output();
  const ms = performance.now() - from;
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (!output.success) {
    throw new Error(
      `${argv.join(" ")} ended with exit code ${output.code}: ${(stderr || stdout || "").trim()}`,
    );
  }
  return { stdout: stdout ?? "", stderr: stderr ?? "", ms };
}
