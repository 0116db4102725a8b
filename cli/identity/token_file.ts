/**
 * A token in a file: how it is written, and who may read it.
 *
 *     <the token>
 *     2026-03-01T13:00:00.000Z              when it ends
 *     issued_at 2026-03-01T12:00:00.000Z    when it began
 *     issuer https://mcias.example:8443     who gave it
 *     refresh_token <a secret>              for a new one, from an OIDC provider
 *
 * Only the first line must be there, so that a token pasted in by hand works as
 * well, and so does a file of an earlier version. A token whose beginning and
 * whose issuer nobody noted is never renewed. No token ever reaches a message.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { FileLocks, Files } from "../../lib/system/files.ts";

/** A token, and what is known about it. */
export interface StoredToken {
  readonly token: string;
  readonly expiresAt?: Date | undefined;
  readonly issuedAt?: Date | undefined;
  readonly issuer?: string | undefined;
  readonly refreshToken?: string | undefined;
}

const tokenMode = 0o600;
/** Bits that let anyone but the owner at the file. */
const othersMask = 0o077;

/** How long to wait for another `mcp`; longer than it waits for an identity provider. */
const lockPatience = { attempts: 300, everyMs: 50 };

/**
 * The text when it can be a token.
 *
 * @param source Where it came from, for the error; never the token.
 * @throws {McpError} `invalid`
 */
export function requireToken(text: string, source: string): string {
  if (/^[\u0021-\u007e]+$/.test(text)) return text;
  throw new McpError(
    "invalid",
    `${source} holds no token: expected one line of letters, digits and punctuation`,
  );
}

/**
 * The token in a file; undefined when there is no such file.
 *
 * @throws {McpError} `invalid` when others could read it, or it is not of the form above.
 */
export async function readToken(files: Files, path: string): Promise<StoredToken | undefined> {
  const text = await readPrivate(files, path, "token");
  if (text === undefined) return undefined;
  const [token = "", expiry = "", ...more] = text.split("\n").map((line) => line.trim());
  const facts = new Map(
    more.map((line) => [line.split(" ", 1)[0] ?? "", line.replace(/^\S+ +/, "")]),
  );
  return {
    token: requireToken(token, path),
    expiresAt: instantOf(expiry, path, "second line"),
    issuedAt: instantOf(facts.get("issued_at") ?? "", path, "line issued_at"),
    issuer: facts.get("issuer"),
    refreshToken: facts.get("refresh_token"),
  };
}

/** Keeps a token where only its owner can read it. */
export async function writeToken(files: Files, path: string, stored: StoredToken): Promise<void> {
  const facts = [
    ["issued_at", stored.issuedAt?.toISOString()],
    ["issuer", stored.issuer],
    ["refresh_token", stored.refreshToken],
  ].flatMap(([name, value]) => value === undefined ? [] : [`${name} ${value}`]);
  const expiry = stored.expiresAt?.toISOString();
  const lines = expiry === undefined && facts.length === 0
    ? [stored.token]
    : [stored.token, expiry ?? "", ...facts];
  await files.writeText(path, `${lines.join("\n")}\n`, { mode: tokenMode });
}

/**
 * The text of a file that nobody but its owner may read; undefined when there is none.
 *
 * @throws {McpError} `invalid` with the command that makes it so.
 */
export async function readPrivate(
  files: Files,
  path: string,
  what: "token" | "password",
): Promise<string | undefined> {
  const mode = await files.mode(path);
  if (mode === undefined) return undefined;
  if ((mode & othersMask) !== 0) {
    const octal = mode.toString(8).padStart(4, "0");
    throw new McpError("invalid", `Others may read the ${what} in ${path} (mode ${octal})`, {
      hint: `Run \`chmod 600 ${shellWord(path)}\``,
    });
  }
  return await files.readText(path);
}

/**
 * Runs alone among all `mcp` that change this token: a login, a logout and two
 * renewals at once would otherwise undo each other, and a renewal ends the token
 * that the other one has just read.
 *
 * @throws {McpError} `unavailable` when another one takes too long.
 */
export async function whileLocked<Result>(
  { files, clock }: { readonly files: FileLocks; readonly clock: Pick<Clock, "sleep"> },
  path: string,
  act: () => Promise<Result>,
): Promise<Result> {
  const lockPath = `${path}.lock`;
  for (let attempt = 0; attempt < lockPatience.attempts; attempt++) {
    using lock = await files.tryLock(lockPath);
    if (lock !== undefined) return await act();
    await clock.sleep(lockPatience.everyMs);
  }
  throw new McpError("unavailable", `Cannot change the token in ${path}: another mcp is at it`, {
    hint: `Look for an mcp that hangs: it holds ${lockPath}`,
  });
}

function instantOf(text: string, path: string, where: string): Date | undefined {
  if (text === "") return undefined;
  const instant = new Date(text);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw new McpError("invalid", `The ${where} of ${path} is no instant`, {
    hint: "Run `mcp login` to get a new token",
  });
}

/** The path as one word of a command line. */
function shellWord(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
