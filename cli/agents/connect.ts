/**
 * One authenticated question to one node.
 *
 * The only importer of what dials, and loaded when the first question is about to be asked:
 * `mcp --help` has no need of it.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import { requireAddress } from "../../lib/rpc/address.ts";
import { Connection } from "../../lib/rpc/connection.ts";
import { Trust } from "../../lib/rpc/trust.ts";
import type { Files } from "../../lib/system/files.ts";
import type { Node } from "../settings/config.ts";
import type { AskOptions, Question } from "./agents.ts";

/** The CAs of one run: each is read once, however many nodes it vouches for. */
export class Authorities {
  readonly #files: Files;
  readonly #read = new Map<string | undefined, Promise<Trust | undefined>>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** @throws {McpError} `not_found` without the node's CA, `invalid` when it is none. */
  async of(node: Node): Promise<Trust> {
    const reading = this.#read.get(node.caCert) ?? this.#trust(node.caCert);
    this.#read.set(node.caCert, reading);
    const trust = await reading;
    if (trust !== undefined) return trust;
    throw new McpError(
      "not_found",
      `Cannot verify node "${node.name}": there is no CA certificate ${node.caCert}`,
      { hint: `Run \`mcp node remove ${node.name}\`, then \`mcp node add\` with its CA` },
    );
  }

  async #trust(file: string | undefined): Promise<Trust | undefined> {
    if (file === undefined) return new Trust(undefined);
    const pem = await this.#files.readText(file);
    return pem === undefined ? undefined : new Trust(pem);
  }
}

/** What asking needs besides the question. */
interface AskDeps {
  readonly authorities: Authorities;
  /** The token that belongs to the node. */
  tokenFor(): Promise<string>;
  /** The command that gets a new one, e.g. "mcp login rift". */
  readonly loginCommand: string;
  readonly interrupted: AbortSignal;
}

/** Asks one node; see {@link Agents.ask}. */
export async function ask<Answer>(
  deps: AskDeps,
  node: Node,
  question: Question<Answer>,
  options: AskOptions,
): Promise<Answer> {
  const token = options.token ?? await deps.tokenFor();
  const ca = await deps.authorities.of(node);
  const connection = new Connection(requireAddress(node.address), ca);
  try {
    connection.dial();
    // The node answers the handshake while the messages are loaded.
    const { connectAgent } = await import("./agent_client.ts");
    const agent = connectAgent({ address: node.address, ca, token, connection });
    return await question(agent, { timeoutMs: options.timeoutMs, signal: deps.interrupted });
  } catch (error) {
    throw toNodeError(error, node, deps.loginCommand);
  } finally {
    connection.close();
  }
}

/** Says which node it was, and what the operator can do about it. */
function toNodeError(error: unknown, node: Node, loginCommand: string): unknown {
  if (!(error instanceof McpError)) return error;
  switch (error.kind) {
    case "unavailable":
      return new McpError("unavailable", `Node "${node.name}" did not answer`, {
        cause: error,
        details: error.details,
        hint: error.hint ?? unavailableHint(error.message, node),
      });
    case "unauthenticated":
      return new McpError("unauthenticated", `Node "${node.name}" does not accept the token`, {
        cause: error,
        hint: `Run \`${loginCommand}\``,
      });
    default:
      return error;
  }
}

/** The words with which TLS libraries refuse a certificate. */
const certificateTrouble = /certificate|altnames|self.signed|unable to verify|unknown ?ca|issuer/i;

function unavailableHint(message: string, node: Node): string {
  return certificateTrouble.test(message)
    ? `Compare the CA of "${node.name}" with what \`mcp-agent init\` printed there, then \`mcp node remove ${node.name}\` and \`mcp node add\` it again`
    : `Check that mcp-agent is running on "${node.name}" and listens on ${node.address}`;
}
