/**
 * What an exit code means.
 *
 * @module
 */

/** Signals that end processes, by number; their exit code is 128 more. */
const signals: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};

/**
 * An exit code and what it means, e.g. "exit code 137 (SIGKILL)".
 *
 * @param oomKilled Whether the kernel killed it for want of memory.
 */
export function formatExit(exitCode: number, oomKilled: boolean): string {
  const signal = signals[exitCode - 128];
  const meaning = oomKilled ? "out of memory" : signal;
  return `exit code ${exitCode}${meaning === undefined ? "" : ` (${meaning})`}`;
}
