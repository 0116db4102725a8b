/**
 * The operator's tokens: where each is kept, how it is read, and when it is refused.
 *
 * `MCP_TOKEN` comes first, then the token that belongs to the one node
 * (`tokens/<node>`, from an agent's own `local` provider), then the token for all
 * nodes (`token_path`, from MCIAS). A file holds the token on its first line and,
 * where it is known, the instant it expires on its second, so that one pasted in
 * by hand works as well. No token ever reaches a message.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { McpError } from "../lib/errors.ts";
import type { Clock } from "../lib/system/clock.ts";
import type { Files } from "../lib/system/files.ts";
import type { Config, Node } from "./config.ts";
import type { Environment } from "./system.ts";

/** What finding a token needs. */
export interface TokenDeps {
  readonly env: Environment;
  readonly clock: Clock;
  readonly files: Files;
}

const tokenMode = 0o600;
/** Bits that let anyone but the owner at the file. */
const othersMask = 0o077;

/** The file of the token that only one node accepts. */
export function nodeTokenPath(config: Config, nodeName: string): string {
  return join(dirname(config.tokenPath), "tokens", nodeName);
}

/** The command that gets a token which the node accepts. */
export function loginCommand(config: Config, nodeName: string): string {
  return config.mcias === undefined ? `mcp login ${nodeName}` : "mcp login";
}

/**
 * The token to present to a node.
 *
 * @throws {McpError} `unauthenticated` when there is none or it has expired,
 *   `invalid` when others could read it.
 */
export async function tokenFor(
  { env, clock, files }: TokenDeps,
  config: Config,
  node: Node,
): Promise<string> {
  const fromEnvironment = (env.MCP_TOKEN ?? "").trim();
  if (fromEnvironment !== "") return requireToken(fromEnvironment, "MCP_TOKEN");
  const hint = `Run \`${loginCommand(config, node.name)}\``;
  for (const path of [nodeTokenPath(config, node.name), config.tokenPath]) {
    const kept = await readToken(files, path);
    if (kept === undefined) continue;
    if (kept.expiresAt !== undefined && kept.expiresAt <= clock.now()) {
      throw new McpError(
        "unauthenticated",
        `The token in ${path} expired at ${kept.expiresAt.toISOString()}`,
        { hint },
      );
    }
    return kept.token;
  }
  throw new McpError("unauthenticated", `There is no token for node "${node.name}"`, { hint });
}

/** Keeps a token where only its owner can read it. */
export async function writeToken(
  files: Files,
  path: string,
  token: string,
  expiresAt: Date | undefined,
): Promise<void> {
  const expiry = expiresAt === undefined ? "" : `${expiresAt.toISOString()}\n`;
  await files.writeText(path, `${token}\n${expiry}`, { mode: tokenMode });
}

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

async function readToken(files: Files, path: string) {
  const mode = await files.mode(path);
  if (mode === undefined) return undefined;
  if ((mode & othersMask) !== 0) {
    const octal = mode.toString(8).padStart(4, "0");
    throw new McpError("invalid", `Others may read the token in ${path} (mode ${octal})`, {
      hint: `Run \`chmod 600 ${shellWord(path)}\``,
    });
  }
  const [token = "", expiry = ""] = (await files.readText(path) ?? "").split("\n");
  const expiresAt = expiry.trim() === "" ? undefined : new Date(expiry.trim());
  if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) {
    throw new McpError("invalid", `The second line of ${path} is no instant`, {
      hint: "Run `mcp login` to get a new token",
    });
  }
  return { token: requireToken(token.trim(), path), expiresAt };
}

/** The path as one word of a command line. */
function shellWord(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
