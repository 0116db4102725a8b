/**
 * Why a connection failed, in words for people.
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/** An answer of one who did not get through. */
export function unreached(error: unknown, host: string): Answer {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connection refused",
    ECONNRESET: "hung up on",
    EPIPE: "hung up on",
    EHOSTUNREACH: "no route to it",
    ENETUNREACH: "no route to it",
    EADDRNOTAVAIL: `the node has no address ${host}`,
  };
  const isForbidden = error instanceof Deno.errors.NotCapable ||
    (error instanceof Error && /requires net access/i.test(error.message));
  if (isForbidden) {
    // It will not get better by waiting.
    const text = `the agent may not connect to ${host}: publish the port on 127.0.0.1`;
    return { isGood: false, isAnswered: true, text };
  }
  const said = error instanceof Error ? error.message : String(error);
  const text = reasons[code] ??
    (/refused/i.test(said)
      ? "connection refused"
      : /reset|hang up|closed|EOF/i.test(said)
      ? "hung up on"
      : said);
  return { isGood: false, isAnswered: false, text };
}
