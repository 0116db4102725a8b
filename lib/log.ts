/**
 * Logger categories, and where their records go.
 *
 * People read text on a terminal; everything else gets JSON lines. No record
 * ever holds a token, a password or the content of a file.
 *
 * @module
 */

import {
  configure,
  getAnsiColorFormatter,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogLevel,
  type LogRecord,
  reset,
  type Sink,
} from "@logtape/logtape";

export type { Logger, LogLevel };

/** Levels an operator may ask for, in the config and on the command line. */
export const logLevels = ["debug", "info", "warning", "error"] as const;

/** Who speaks: one logger per room of the agent. */
export const log = {
  agent: getLogger(["mcp", "agent"]),
  audit: getLogger(["mcp", "audit"]),
  podman: getLogger(["mcp", "podman"]),
  monitor: getLogger(["mcp", "monitor"]),
  rollout: getLogger(["mcp", "rollout"]),
} as const;

/** How records are shown. */
export interface LogOptions {
  readonly level: (typeof logLevels)[number];
  readonly format: "json" | "text" | "color";
  /** Gets each record as one line with its line feed. */
  readonly write: (line: string) => void;
}

/** Sends all records from here on to `write`; `Symbol.asyncDispose` ends that. */
export async function startLog({ level, format, write }: LogOptions): Promise<AsyncDisposable> {
  const formatter = format === "json"
    ? getJsonLinesFormatter({ properties: "flatten", message: "rendered" })
    : format === "text"
    ? getTextFormatter({ timestamp: "date-time-tz" })
    : getAnsiColorFormatter({ timestamp: "time" });
  const sink: Sink = (record) => write(formatter(withPlainMessage(record)));
  await configure({
    reset: true,
    sinks: { sink },
    loggers: [
      { category: ["mcp"], lowestLevel: level, sinks: ["sink"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["sink"] },
    ],
  });
  return { [Symbol.asyncDispose]: () => reset() };
}

/**
 * The record with its values written into the sentence as they are.
 *
 * LogTape would quote every text. A text that could break the line, or move a
 * terminal's cursor, is quoted all the same.
 */
function withPlainMessage(record: LogRecord): LogRecord {
  // Odd parts are the values, even ones the sentence around them.
  const parts = record.message.map((part, at) => at % 2 === 0 ? part : plain(part));
  return { ...record, message: [parts.join("")] };
}

function plain(value: unknown): string {
  const text = String(value);
  return /\p{Cc}/u.test(text) ? JSON.stringify(text) : text;
}
