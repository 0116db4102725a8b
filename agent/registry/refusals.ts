/**
 * What SQLite refuses, in terms an operator can act on: full disks, read-only files, damage.
 *
 * @module
 */

import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { McpError } from "../../lib/errors.ts";
import { isDamage, restoreHint } from "./backup.ts";

/** How long a writer waits for another process that is writing. */
export const busyTimeoutMs = 5_000;

/** What SQLite needs on the disk before it can do anything at all. */
const leastRoomBytes = 64 * 1024;

/** What an operator is told about a registry that SQLite could not use. */
interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/** By SQLite's sentences, which are fixed; Deno tells no codes with all of them. */
const refusals: readonly (readonly [RegExp, (path: string) => Refusal])[] = [
  [/database or disk is full/, diskIsFull],
  // Without room for the file that its readers share, SQLite knows no better either.
  [/disk I\/O error/, (path) =>
    hasNoRoom(path) ? diskIsFull(path) : {
      message: `Cannot use the registry ${path}: its disk failed`,
      hint: `See what the kernel says of it (\`journalctl -k\`), and \`ls -la ${dirname(path)}\``,
    }],
  [/attempt to write a readonly database/, isReadOnly],
  [/unable to open database file/, (path) => hasNoRoom(path) ? diskIsFull(path) : isReadOnly(path)],
  [/database is locked/, (path) => ({
    message: `Cannot write to the registry ${path}: another process has been writing for ` +
      `${busyTimeoutMs / 1000} s`,
    hint: "Do it again; if it stays so, see which `mcp-agent` runs besides the server",
  })],
];

function isReadOnly(path: string): Refusal {
  return {
    message: `Cannot write to the registry ${path}: it, or its folder, is read-only`,
    hint:
      `See whose they are (\`ls -la ${dirname(path)}\`) and whether their disk is mounted for ` +
      `writing (\`findmnt --target ${path}\`)`,
  };
}

function diskIsFull(path: string): Refusal {
  return {
    message: `Cannot write to the registry ${path}: the disk is full`,
    hint: `Free some space there (\`df -h ${dirname(path)}\`), then do it again`,
  };
}

function hasNoRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < leastRoomBytes;
  } catch {
    // Not everybody who opens it may ask; then it stays unsaid.
    return false;
  }
}

/** An error of SQLite that is no defect of ours as what an operator can act on; others as they are. */
export function asRefusal(path: string, configFile: string | undefined, error: unknown): unknown {
  if (error instanceof McpError || !(error instanceof Error)) return error;
  if (isDamage(error)) return damaged(path, configFile, error);
  if ((error as { readonly code?: unknown }).code !== "ERR_SQLITE_ERROR") return error;
  const refusal = refusals.find(([sentence]) => sentence.test(error.message))?.[1](path);
  if (refusal === undefined) return error;
  return new McpError("unavailable", refusal.message, { hint: refusal.hint });
}

/** That a registry is damaged, and which snapshot to go back to. */
export function damaged(path: string, configFile: string | undefined, cause: unknown): McpError {
  return new McpError("unavailable", `Cannot use the registry ${path}: it is damaged`, {
    cause,
    hint: restoreHint(path, { configFile }),
  });
}
