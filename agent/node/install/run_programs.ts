/**
 * Running programs on the machine: as root, or as the agent's user.
 *
 * @module
 */

import { basename } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import type { ExecResult } from "../../../lib/system/exec.ts";
import { nodeUser, programs } from "./layout.ts";
import type { Machine } from "./machine.ts";

/** Copying registries and making keys, on slow machines too. */
const programMs = 120_000;
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs one of {@link programs}.
 *
 * @throws {McpError} `unavailable` with what it said last, when it fails.
 */
export async function runAsRoot(
  { exec }: Machine,
  argv: readonly string[],
  { timeoutMs, alsoFine = [] }: { timeoutMs: number; alsoFine?: readonly number[] },
): Promise<ExecResult> {
  const result = await exec(argv, {
    timeoutMs,
    env: { PATH: path, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
  });
  return requireSuccess(argv, result, alsoFine);
}

/** Runs a program as the agent's user, without a way back to more. */
export async function runAsNodeUser(
  { exec, layout }: Machine,
  argv: readonly string[],
): Promise<ExecResult> {
  const all = [
    programs.setpriv,
    ...["--reuid", nodeUser, "--regid", nodeUser, "--init-groups"],
    ...["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"],
    ...argv,
  ];
  const env = { PATH: path, LC_ALL: "C.UTF-8", HOME: layout.folder };
  return requireSuccess(argv, await exec(all, { timeoutMs: programMs, env }), []);
}

function requireSuccess(
  argv: readonly string[],
  result: ExecResult,
  alsoFine: readonly number[],
): ExecResult {
  if (result.code === 0 || alsoFine.includes(result.code)) return result;
  const lines = result.stderr.split("\n").filter((line) => line.trim() !== "");
  throw new McpError(
    "unavailable",
    `Cannot go on: ${basename(argv[0] ?? "")} ended with code ${result.code}`,
    {
      details: lines.slice(-10),
      hint: `Run \`${argv.join(" ")}\` for yourself, then the same command again`,
    },
  );
}
