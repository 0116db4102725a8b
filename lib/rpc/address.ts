/**
 * Where a node listens, as text and apart. Apart from `tls.ts`, because who only reads a config has no
 * need of gRPC.
 *
 * Pure.
 *
 * @module
 */

import { isIP } from "node:net";
import { McpError } from "../errors.ts";

/** A node's address, "host:port", apart. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** "host:port" or "[ipv6]:port" apart; undefined for anything else. */
export function parseAddress(text: string): NodeAddress | undefined {
  const match = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[a-zA-Z0-9._-]+)):(?<port>\d{1,5})$/
    .exec(text)?.groups;
  const host = match?.["six"] ?? match?.["host"];
  const port = Number(match?.["port"]);
  if (host === undefined || port > 65535) return undefined;
  if (match?.["six"] !== undefined && isIP(host) !== 6) return undefined;
  return { host, port };
}

/** @throws {McpError} `invalid` when it is no address. */
export function requireAddress(text: string): NodeAddress {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  throw new McpError("invalid", `Cannot dial ${JSON.stringify(text)}: it is not "host:port"`);
}
