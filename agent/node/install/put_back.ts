/**
 * The way back from an upgrade whose agent does not serve.
 *
 * The program before it is put back only if the registry is still of its schema. Otherwise nothing
 * is touched any more: which writes to give up is the operator's decision, and the commands are told.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { loadConfig } from "../../config.ts";
import { awaitServing } from "./await_serving.ts";
import { readSchema } from "./facts.ts";
import { nodeUser, programs } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { writeRootFile } from "./root_files.ts";
import { runAsRoot } from "./run_programs.ts";
import type { Step } from "./steps.ts";

/** What the registry was before an upgrade. */
export interface PreviousRegistry {
  readonly snapshot: string;
  readonly schema: number;
}

/** What a run has changed so far, as far as it can be undone. */
export interface Undoable {
  /** Files with their texts before; undefined: there was none. */
  readonly replaced: ReadonlyMap<string, string | undefined>;
  /** Whether a program was put into the place of another one. */
  readonly replacedExecutable: boolean;
}

const systemctlMs = 600_000;

/**
 * Puts back what can be.
 *
 * @param failure Why the new agent does not serve.
 * @returns The error that tells all of it.
 */
export async function putBack(
  machine: Machine,
  { config, executable, previous, record }: Extract<Step, { do: "await_serving" }>,
  { replaced, replacedExecutable }: Undoable,
  failure: unknown,
): Promise<unknown> {
  if (await machine.files.kind(previous) === undefined) return failure;
  const details = failure instanceof McpError ? failure.details : [];
  const { databaseFile } = await loadConfig(machine.files, config);
  const before = parseRecord(await machine.files.readText(record));
  const schema = await readSchema(databaseFile);
  const isSameSchema = schema === before?.schema;
  // What a run has replaced that was cut short, nobody knows any more.
  if (!isSameSchema || !replacedExecutable) {
    const restore = [
      ...["setpriv", "--reuid", nodeUser, "--regid", nodeUser, "--init-groups", "--"],
      ...[executable, "restore", "--config", config, before?.snapshot ?? "<a snapshot>"],
    ];
    return new McpError("unavailable", `Cannot finish the upgrade: ${errorChain(failure)}`, {
      details: [
        ...details,
        isSameSchema
          ? "The program before it is kept. To go back to it:"
          : `The registry was brought from schema ${before?.schema ?? "?"} to ${
            schema ?? "?"
          }, which ` +
            "the program before cannot read. To go back to both, and lose what was written since:",
        "  systemctl stop mcp-agent",
        `  mv ${previous} ${executable}`,
        ...(isSameSchema ? [] : [`  ${restore.join(" ")}`]),
        `  ${executable} install --yes`,
      ],
      hint: "Run `journalctl --unit mcp-agent`, mend it, then the same command again",
    });
  }
  try {
    await Deno.rename(previous, executable);
    for (const [path, text] of replaced) {
      if (!path.startsWith(machine.layout.units)) continue;
      if (text === undefined) await machine.files.remove(path);
      else await writeRootFile(machine, path, text);
    }
    await runAsRoot(machine, [programs.systemctl, "daemon-reload"], { timeoutMs: systemctlMs });
    await runAsRoot(machine, [programs.systemctl, "restart", "mcp-agent.service"], {
      timeoutMs: systemctlMs,
    });
    await awaitServing(machine, config);
  } catch (error) {
    return new McpError(
      "unavailable",
      "Cannot finish the upgrade, nor does the program before it serve",
      {
        cause: error,
        details: [...details, ...(error instanceof McpError ? error.details : [])],
        hint: "Run `journalctl --unit mcp-agent`",
      },
    );
  }
  return new McpError(
    "unavailable",
    "Cannot upgrade: the new agent does not serve, so the one before was put back, and serves",
    { cause: failure, details, hint: "The registry and the containers are as they were" },
  );
}

function parseRecord(text: string | undefined): PreviousRegistry | undefined {
  return text === undefined ? undefined : JSON.parse(text);
}
