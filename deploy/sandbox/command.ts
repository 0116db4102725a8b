/**
 * Runs a short command to its end and keeps what it said.
 *
 * For the sandbox's own housekeeping (dpkg-query, podman info, podman build): no shell, always a
 * deadline, and a program that is missing is an answer like any other, not an exception.
 *
 * @module
 */

/** How a command is run. */
interface CommandOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ended. */
export interface CommandResult {
  readonly success: boolean;
  readonly stdout: string;
  /** What went wrong, in one line: the last lines of stderr, "not installed", "no answer within 5 s". */
  readonly complaint: string;
}

/** Runs `argv` and waits for it; kills it when the time is up. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const [program = "", ...args] = argv;
  const deadline = AbortSignal.timeout(options.timeoutMs);
  try {
    const output = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: deadline,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    }).output();
    if (deadline.aborted) return failure(`no answer within ${options.timeoutMs / 1000} s`);
    return {
      success: output.success,
      stdout: new TextDecoder().decode(output.stdout),
      complaint: lastLines(output.stderr) || `exit code ${output.code}`,
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return failure(`${program} is not installed`);
    throw error;
  }
}

/** Runs `argv` and refuses to go on when it fails; `purpose` completes "Cannot …". */
export async function demandCommand(
  purpose: string,
  argv: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const result = await runCommand(argv, options);
  if (!result.success) {
    throw new Error(
      `Cannot ${purpose}: ${result.complaint}. To see for yourself, run: ${argv.join(" ")}`,
    );
  }
  return result.stdout;
}

function failure(complaint: string): CommandResult {
  return { success: false, stdout: "", complaint };
}

/** Enough for a message and its hint: many programs say what is wrong in the line before the last. */
function lastLines(bytes: Uint8Array): string {
  const lines = new TextDecoder().decode(bytes).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").slice(-3).join("; ");
}
