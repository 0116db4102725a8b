/**
 * NodeStatus: the machine, its runtime, how much runs here.
 *
 * @module
 */

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { version } from "../../../lib/version.ts";
import { countServices } from "../../registry/services.ts";
import type { Answer } from "./call.ts";

/** Facts about the node; a runtime that cannot be asked is one of them. */
export const nodeStatus: Answer<"nodeStatus"> = async (
  { nodeName, registry, runtime, probe, clock },
  _request,
  { signal },
) => {
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
};
