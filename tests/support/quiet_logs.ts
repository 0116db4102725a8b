/**
 * Keeps what is logged, so that tests can read it and screens stay quiet.
 *
 * @module
 */

import { startLog } from "../../lib/log.ts";

/** One record as a reader of the JSON log sees it. */
export type LogEntry = Readonly<Record<string, unknown>> & {
  readonly logger: string;
  readonly level: string;
  readonly message: string;
};

/** Everything logged while it lives. */
export class QuietLogs implements AsyncDisposable {
  readonly #lines: string[];
  readonly #log: AsyncDisposable;

  private constructor(lines: string[], log: AsyncDisposable) {
    this.#lines = lines;
    this.#log = log;
  }

  /** Sends all records from here on to a list, debug ones too; one at a time in a process. */
  static async start(): Promise<QuietLogs> {
    const lines: string[] = [];
    const log = await startLog({
      level: "debug",
      format: "json",
      write: (line) => lines.push(line),
    });
    return new QuietLogs(lines, log);
  }

  /** All that was logged, as it would have been written; for what must not be in there. */
  get text(): string {
    return this.#lines.join("");
  }

  /** The records of a logger, e.g. "mcp.audit"; of all of them when none is named. */
  entries(logger?: string): LogEntry[] {
    return this.#lines.map((line): LogEntry => JSON.parse(line))
      .filter((entry) => logger === undefined || entry.logger === logger);
  }

  /** The sentences of a logger. */
  messages(logger?: string): string[] {
    return this.entries(logger).map(({ message }) => message);
  }

  /** Forgets what was logged so far. */
  clear(): void {
    this.#lines.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
  }
}
