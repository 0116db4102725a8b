/**
 * A client with every RPC of a node. Apart from `connect.ts`, which dials before this is loaded.
 *
 * @module
 */

import { connect, type ConnectOptions } from "../../lib/rpc/client.ts";
import { McpAgent } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { AgentClient } from "./agents.ts";

/** Makes the client; see `connect()`. */
export function connectAgent(
  options: Omit<ConnectOptions<typeof McpAgent>, "service">,
): AgentClient {
  return connect({ service: McpAgent, ...options });
}
