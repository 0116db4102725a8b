/**
 * A fact, or why it could not be looked at. Looking never fails: what stands in its way is told.
 *
 * @module
 */

import type { Finding } from "../../../lib/domain/finding.ts";
import { errorChain } from "../../../lib/errors.ts";
import type { AgentConfig } from "../../config.ts";
import { quoted } from "./fixes.ts";

/** Something that was looked at, or the reason why it was not. */
export type Seen<Value> = { readonly value: Value } | { readonly unseen: string };

/** Looks, and keeps whatever stands in the way as the reason. */
export async function look<Value>(act: () => Value | Promise<Value>): Promise<Seen<Value>> {
  try {
    return { value: await act() };
  } catch (error) {
    return { unseen: reasonOf(error) };
  }
}

/** Why something could not be looked at, for people. */
export function reasonOf(error: unknown): string {
  for (let link = error; link instanceof Error; link = link.cause) {
    // Deno's own sentence tells how to run it with more permissions, which is no advice here.
    if (link instanceof Deno.errors.NotCapable) return "this process may not look at it";
    if (link instanceof Deno.errors.PermissionDenied) return "permission denied";
  }
  return errorChain(error);
}

/** The value, or undefined when it was not seen. */
export function valueOf<Value>(seen: Seen<Value>): Value | undefined {
  return "value" in seen ? seen.value : undefined;
}

/** The finding that something was not looked at: why not, and where it can be. */
export function notSeen(
  id: string,
  reason: string,
  { file }: Pick<AgentConfig, "file">,
  { vantage }: { readonly vantage: "agent" | "node" },
): Finding {
  return {
    id,
    level: "unknown",
    what: `not looked at: ${reason}`,
    why: "",
    // Who is on the node already, and could not see it either, is not sent there once more.
    fix: vantage === "agent" ? `mcp-agent doctor --config ${quoted(file)}` : "",
  };
}
