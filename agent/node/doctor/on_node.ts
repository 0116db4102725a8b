/**
 * What somebody on the node can see of it: as the agent's user, and all of it as root.
 *
 * @module
 */

import { dirname } from "node:path";
import { stat } from "node:fs/promises";
import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Exec, ExecResult } from "../../../lib/system/exec.ts";
import type { Files } from "../../../lib/system/files.ts";
import type { AgentConfig } from "../../config.ts";
import { enabledUnits, layoutBelow, nodeUser } from "../install/layout.ts";
import { serverPermissions } from "../../permissions.ts";
import { requireSoundFile } from "../../registry/backup.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { type Account, parseAccounts } from "../accounts.ts";
import type { DoctorDeps, UnitState } from "./facts.ts";
import { compareWithUnit, parseUnits } from "./systemd.ts";

/** What is at hand on a node. */
interface NodeParts {
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "readText" | "mode">;
  readonly exec: Exec;
  /** Who looks. */
  readonly uid: number;
  /** The runtime of that user, who is looked for where it matters only. */
  runtimeOf(account: () => Promise<Account>): Promise<Pick<ContainerRuntime, "info">>;
}

const { permissions: permissionsDropIn } = layoutBelow("");

const timeoutMs = 10_000;

/** Looks as whoever runs this. */
export function onNode(parts: NodeParts, config: AgentConfig): DoctorDeps {
  const { clock, files } = parts;
  const account = () => accountOfNode(parts, config);
  return {
    clock,
    files,
    vantage: "node",
    runtime: { info: async (signal) => await (await parts.runtimeOf(account)).info(signal) },
    requireSoundRegistry: () => requireSoundFile(config.databaseFile),
    account,
    async compareGrants() {
      const unit = await files.readText(permissionsDropIn);
      if (unit !== undefined) return compareWithUnit(serverPermissions(config), unit);
      throw new McpError("not_found", `there is no ${permissionsDropIn}`);
    },
    whyNotWritable: () => Promise.reject(new McpError("unavailable", "nothing is written here")),
    clockIsSynchronized: (signal) => clockIsSynchronized(parts, signal),
    units: (signal) => unitsOf(parts, signal),
  };
}

/** Whether the clock is kept right by somebody. */
async function clockIsSynchronized(
  { exec }: Pick<NodeParts, "exec">,
  signal?: AbortSignal,
): Promise<boolean> {
  const argv = ["timedatectl", "show", "--property=NTPSynchronized", "--value"];
  const said = outputOf(await exec(argv, { timeoutMs, signal })).trim();
  if (said === "yes" || said === "no") return said === "yes";
  throw new McpError("unavailable", "timedatectl does not say");
}

/** What systemd knows of the node's units. */
async function unitsOf(
  { exec }: Pick<NodeParts, "exec">,
  signal?: AbortSignal,
): Promise<UnitState[]> {
  const properties = "--property=Id,LoadState,UnitFileState,ActiveState";
  return parseUnits(
    outputOf(await exec(["systemctl", "show", properties, ...enabledUnits], { timeoutMs, signal })),
  );
}

/**
 * Whose containers they are: who looks, unless that is root; then who owns the registry.
 *
 * @throws {McpError} `not_found` when there is no such user.
 */
async function accountOfNode(
  { files, uid }: Pick<NodeParts, "files" | "uid">,
  { databaseFile }: AgentConfig,
): Promise<Account> {
  const accounts = parseAccounts(await files.readText("/etc/passwd") ?? "");
  const wanted = uid !== 0 ? uid : await ownerOf(databaseFile);
  const found = wanted === 0
    ? accounts.find(({ name }) => name === nodeUser)
    : accounts.find((account) => account.uid === wanted);
  if (found !== undefined) return found;
  throw new McpError(
    "not_found",
    wanted === 0 ? `there is no user "${nodeUser}"` : `no user has the number ${wanted}`,
  );
}

async function ownerOf(databaseFile: string): Promise<number> {
  for (const path of [databaseFile, dirname(databaseFile)]) {
    try {
      return (await stat(path)).uid;
    } catch {
      // Not made yet: then the folder it will lie in, and at last nobody's.
    }
  }
  return 0;
}

function outputOf({ code, stdout, stderr }: ExecResult): string {
  if (code === 0) return stdout;
  throw new McpError("unavailable", stderr.trim().split("\n").at(-1) ?? "it failed");
}
