/**
 * What is well with a node and what is not, from what was seen of it. Pure.
 *
 * Both vantages are judged by these rules alone. What could not be seen is said, with the command
 * that would see it; it is never taken for well.
 *
 * @module
 */

import type { Finding } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import { accountFindings } from "./account_findings.ts";
import { agentFindings } from "./agent_findings.ts";
import { certificateFindings } from "./certificate_findings.ts";
import type { Facts } from "./facts.ts";
import { machineFindings } from "./machine_findings.ts";
import { runtimeFindings } from "./runtime_findings.ts";

/** Everything there is to say, in a fixed order. */
export function findingsOf(config: AgentConfig, facts: Facts): Finding[] {
  return [
    ...agentFindings(config, facts),
    ...accountFindings(config, facts),
    ...runtimeFindings(config, facts),
    ...certificateFindings(config, facts),
    ...machineFindings(config, facts),
  ];
}
