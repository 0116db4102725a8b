/**
 * What asking a node means; `connect.ts` does it.
 *
 * @module
 */

import type { CallOptions, RpcClient } from "../../lib/rpc/client.ts";
import type { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Node } from "../settings/config.ts";

/** Every RPC of one node. */
export type AgentClient = RpcClient<typeof McpAgent>;

/** One call to one node. */
export type Question<Answer> = (agent: AgentClient, options: CallOptions) => Promise<Answer>;

/** How long to wait, and as whom to ask. */
export interface AskOptions {
  readonly timeoutMs: number;
  /** Sent instead of the token that belongs to the node; for trying one out. */
  readonly token?: string;
}

/** Asks nodes. */
export interface Agents {
  /**
   * Asks one node: dials, asks, hangs up.
   *
   * @throws {McpError} `unauthenticated` without a token, `unavailable` without an
   *   answer in time; otherwise what the node refused with.
   */
  ask<Answer>(node: Node, question: Question<Answer>, options: AskOptions): Promise<Answer>;
}
