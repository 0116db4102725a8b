/**
 * Which token is presented to a node.
 *
 * 1. `MCP_TOKEN`, for scripts that bring their own.
 * 2. `tokens/<node>`: the node's own, made there by `mcp-agent token create`. It
 *    comes before the shared ones because such a node accepts no others.
 * 3. `token_path`: the one for all nodes, from `mcp login`; renewed before it ends.
 * 4. The system account, `auth.username` and `auth.password_file`: logs in when
 *    there is no valid token, and what it gets becomes the third.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { McpError } from "../../lib/errors.ts";
import type { Config, Node } from "../settings/config.ts";
import { isOver } from "./renewal.ts";
import { Session, type SessionDeps } from "./session.ts";
import type { Environment } from "../system.ts";
import { readToken, requireToken, type StoredToken } from "./token_file.ts";

/** What finding a token needs. */
interface TokenDeps extends SessionDeps {
  readonly env: Environment;
}

/** The file of the token that only one node accepts. */
export function nodeTokenPath(config: Config, nodeName: string): string {
  return join(dirname(config.tokenPath), "tokens", nodeName);
}

/** The command that gets a token which the node accepts. */
export function loginCommand(config: Config, nodeName: string): string {
  return config.identity.provider === "local" ? `mcp login ${nodeName}` : "mcp login";
}

/** The tokens of one run. */
export class Tokens {
  readonly #deps: TokenDeps;
  readonly #config: Config;
  readonly #session: Session;

  constructor(deps: TokenDeps, config: Config) {
    this.#deps = deps;
    this.#config = config;
    this.#session = new Session(deps, config);
  }

  /**
   * The token to present to a node.
   *
   * @throws {McpError} `unauthenticated` when there is none or it has expired,
   *   `invalid` when others could read it, `unavailable` when a new one is needed and the identity
   *   provider does not answer.
   */
  async for(node: Node): Promise<string> {
    const { env, files } = this.#deps;
    const fromEnvironment = (env.MCP_TOKEN ?? "").trim();
    if (fromEnvironment !== "") return requireToken(fromEnvironment, "MCP_TOKEN");
    const ownPath = nodeTokenPath(this.#config, node.name);
    const own = await readToken(files, ownPath);
    if (own !== undefined) return this.#requireNotOver(own, ownPath, `mcp login ${node.name}`);
    const command = loginCommand(this.#config, node.name);
    const shared = await this.#session.token();
    if (shared !== undefined) return this.#requireNotOver(shared, this.#config.tokenPath, command);
    throw new McpError("unauthenticated", `There is no token for node "${node.name}"`, {
      hint: `Run \`${command}\``,
    });
  }

  #requireNotOver(stored: StoredToken, path: string, command: string): string {
    if (!isOver(stored, this.#deps.clock.now())) return stored.token;
    throw new McpError(
      "unauthenticated",
      `The token in ${path} expired at ${stored.expiresAt?.toISOString()}`,
      { hint: `Run \`${command}\`` },
    );
  }
}
