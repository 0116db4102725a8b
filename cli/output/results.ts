/**
 * What became of each component, for people and for scripts.
 *
 * @module
 */

import type { ComponentResult } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { type ExitCode, exitCodes } from "./exit_code.ts";
import type { JsonObject } from "./json.ts";
import type { Line } from "./screen_text.ts";

/** How a component ended, in a word; agents before verdicts said only whether it was well. */
export function verdictWord({ verdict, success }: ComponentResult): string {
  return verdict === "" ? success ? "ok" : "failed" : verdict.replaceAll("_", " ");
}

/** One line per component; below one that failed, all that is known of why. */
export function resultLines(service: string, results: readonly ComponentResult[]): Line[] {
  const nameOf = (result: ComponentResult) => `${service}/${result.name}`;
  const width = Math.max(0, ...results.map((result) => nameOf(result).length));
  return results.flatMap((result): Line[] => {
    const name = `${nameOf(result).padEnd(width)}  `;
    const word = verdictWord(result);
    if (result.success) {
      const summary = result.summary === "" ? "" : `  ${result.summary}`;
      return [[name, { text: word, tone: word === "kept" ? "faint" : "good" }, summary]];
    }
    return [
      [
        name,
        { text: word, tone: word === "skipped" ? "warn" : "bad" },
        result.error === "" ? "" : `  ${result.error}`,
      ],
      ...factLines(result).map((fact): Line => [`    ${fact}`]),
      ...result.logTail.map((line): Line => [{ text: `    | ${line}`, tone: "faint" }]),
    ];
  });
}

/** What is known besides the error, which may tell a part of it already. */
function factLines(result: ComponentResult): string[] {
  const { exitCode, oomKilled, restartCount, lastProbe, putBack, summary, error } = result;
  const times = restartCount === 1 ? "once" : `${restartCount} times`;
  const facts = [
    ...(exitCode === undefined || error.includes(`exit code ${exitCode}`)
      ? []
      : [`exit code ${exitCode}`]),
    ...(oomKilled && !error.includes("out of memory") ? ["out of memory"] : []),
    ...(restartCount > 0 && !error.includes("restarted") ? [`restarted ${times}`] : []),
  ];
  return [
    ...(facts.length === 0 ? [] : [facts.join(", ")]),
    ...(lastProbe === "" || error.includes(lastProbe) ? [] : [`last probe: ${lastProbe}`]),
    ...(summary === "" ? [] : [summary]),
    ...(putBack && !/put back|is back/.test(`${summary} ${error}`)
      ? ["the previous container was put back"]
      : []),
  ];
}

/** A component's result as `--json` prints it. */
export function resultJson(result: ComponentResult): JsonObject {
  const { exitCode, verdict, lastProbe } = result;
  return {
    name: result.name,
    success: result.success,
    verdict: verdict === "" ? null : verdict,
    summary: result.summary,
    error: result.error,
    exit_code: exitCode ?? null,
    oom_killed: result.oomKilled,
    restart_count: result.restartCount,
    last_probe: lastProbe === "" ? null : lastProbe,
    put_back: result.putBack,
    log_tail: result.logTail,
  };
}

/** `failed` as soon as one component did not do what was asked. */
export function exitCodeOfResults(results: readonly ComponentResult[]): ExitCode {
  return results.every((result) => result.success) ? exitCodes.done : exitCodes.failed;
}
