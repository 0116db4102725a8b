/**
 * Runs a program that must not outlive this one, and stops it as a person at a terminal would.
 *
 * @module
 */

import { signalFor } from "./stop_signals.ts";

/** Longer than a container may take to be stopped, which is ten seconds. */
const stopGraceMs = 20_000;

/** How long its output is read on when it has ended and what it left behind holds that open. */
const leftBehindMs = 1_000;

/**
 * Runs `argv` as a session of its own that dies with this process, handing on an abort.
 *
 * A session of its own, because the terminal sends Ctrl-C to every process of the foreground
 * group: the program would get it from the terminal and once more from here.
 */
export async function runGroup(
  argv: readonly string[],
  options: {
    readonly signal: AbortSignal | undefined;
    readonly cwd: string;
    readonly env?: Record<string, string>;
    /** Takes what is written to standard output, which is this program's own otherwise. */
    readonly onOutput?: ((bytes: Uint8Array) => void) | undefined;
  },
): Promise<number> {
  const { signal, onOutput } = options;
  if (signal?.aborted) return signalFor(signal) === "SIGINT" ? 130 : 143;
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig=KILL", "--", "setsid", ...argv],
    cwd: options.cwd,
    ...(options.env === undefined ? {} : { env: options.env }),
    stdout: onOutput === undefined ? "inherit" : "piped",
  }).spawn();
  const reading = onOutput === undefined ? undefined : readAll(child.stdout, onOutput);

  let graceTimer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    killGroup(child, signal === undefined ? "SIGTERM" : signalFor(signal));
    graceTimer = setTimeout(() => killGroup(child, "SIGKILL"), stopGraceMs);
  };
  signal?.addEventListener("abort", onAbort);
  try {
    const { code } = await child.status;
    await reading?.end();
    return code;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    clearTimeout(graceTimer);
  }
}

function killGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    Deno.kill(-child.pid, signal);
  } catch {
    // setsid has not made the group yet, or nobody is left in it.
    try {
      child.kill(signal);
    } catch {
      // It has ended, which is what was wanted.
    }
  }
}

function readAll(output: ReadableStream<Uint8Array>, onOutput: (bytes: Uint8Array) => void) {
  const reader = output.getReader();
  const over = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onOutput(value);
    }
  })();
  return {
    /** Resolves when all is read, or when it is not to be expected that more comes. */
    async end(): Promise<void> {
      const timer = setTimeout(() => void reader.cancel(), leftBehindMs);
      await over;
      clearTimeout(timer);
    },
  };
}
