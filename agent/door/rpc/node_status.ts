/**
 * NodeStatus: the machine, its runtime, how much runs here.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { version } from "../../../lib/version.ts";
import type {
  NodeStatusRequest,
  NodeStatusResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import { countServices } from "../../registry/services.ts";
import type { AuthenticatedCall } from "./call.ts";
import type { Rooms } from "./rooms.ts";

/** Facts about the node; a runtime that cannot be asked is one of them. */
export async function nodeStatus(
  { nodeName, registry, runtime, probe, clock }: Rooms,
  _request: NodeStatusRequest,
  { signal }: AuthenticatedCall,
): Promise<MessageInitShape<typeof NodeStatusResponseSchema>> {
  const facts = await probe.facts(clock.now());
  const counts = countServices(registry);
  let runtimeVersion = "";
  let runtimeError = "";
  try {
    runtimeVersion = await runtime.version(signal);
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    runtimeError = errorChain(error);
  }
  return {
    nodeName,
    runtime: "podman",
    runtimeVersion,
    runtimeError,
    serviceCount: counts.services,
    componentCount: counts.components,
    diskTotalBytes: BigInt(facts.diskTotalBytes),
    diskFreeBytes: BigInt(facts.diskFreeBytes),
    memoryTotalBytes: BigInt(facts.memoryTotalBytes),
    memoryFreeBytes: BigInt(facts.memoryFreeBytes),
    cpuUsagePercent: facts.cpuUsagePercent,
    uptimeSince: timestampFromDate(facts.upSince),
    agentVersion: version,
  };
}
