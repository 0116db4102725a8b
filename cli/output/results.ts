/**
 * What became of each component, for people and for scripts.
 *
 * @module
 */

import type { ComponentResult } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ExitCode, exitCodes } from "./exit_code.ts";
import type { JsonObject } from "./json.ts";
import type { Line } from "./screen_text.ts";

/** One line per component; below one that failed, why, and the last it printed. */
export function resultLines(service: string, results: readonly ComponentResult[]): Line[] {
  const nameOf = (result: ComponentResult) => `${service}/${result.name}`;
  const width = Math.max(0, ...results.map((result) => nameOf(result).length));
  return results.flatMap((result): Line[] => {
    const name = `${nameOf(result).padEnd(width)}  `;
    if (result.success) {
      const summary = result.summary === "" ? "" : `  ${result.summary}`;
      return [[name, { text: "ok", tone: "good" }, summary]];
    }
    return [
      [name, { text: "failed", tone: "bad" }, `  ${result.error}`],
      ...(result.summary === "" ? [] : [[`    ${result.summary}`]]),
      ...result.logTail.map((line): Line => [{ text: `    | ${line}`, tone: "faint" }]),
    ];
  });
}

/** A component's result as `--json` prints it. */
export function resultJson(result: ComponentResult): JsonObject {
  return {
    name: result.name,
    success: result.success,
    summary: result.summary,
    error: result.error,
    log_tail: result.logTail,
  };
}

/** `failed` as soon as one component did not do what was asked. */
export function exitCodeOfResults(results: readonly ComponentResult[]): ExitCode {
  return results.every((result) => result.success) ? exitCodes.done : exitCodes.failed;
}
