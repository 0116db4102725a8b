/**
 * The finding that there is none: something could not be looked at.
 *
 * @module
 */

import type { Finding } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import type { Facts } from "./facts.ts";
import { lookOnNode } from "./fixes.ts";

/** Says why something was not looked at, and where it can be. */
export function notSeen(
  id: string,
  reason: string,
  { file }: Pick<AgentConfig, "file">,
  { vantage }: Pick<Facts, "vantage">,
): Finding {
  return {
    id,
    level: "unknown",
    what: `not looked at: ${reason}`,
    why: "",
    // Who is on the node already, and could not see it either, is not sent there once more.
    fix: vantage === "agent" ? lookOnNode(file) : "",
  };
}
