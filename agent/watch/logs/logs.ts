/**
 * What the containers of a service print, as one stream in the order of time.
 *
 * Memory is bounded whoever reads how slowly. What was printed before the call waits in podman's
 * pipe until there is room. What is printed meanwhile is not waited for: of each container only
 * the newest is held, and what is passed over is counted.
 *
 * A log that is followed outlives its container: when that ends, its successor is waited for.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { LogPosition } from "../../../lib/domain/log_position.ts";
import { type Merged, TimeMerge } from "../../../lib/domain/time_merge.ts";
import type { ContainerDetail, ContainerRuntime, LogRecord } from "../../runtime/runtime.ts";

export interface LogsOptions {
  readonly runtime: Pick<ContainerRuntime, "inspect" | "readLog">;
  readonly clock: Clock;
}

/** A component, and what its container is called. */
export interface LogTarget {
  readonly component: string;
  readonly container: string;
}

/** What is read, and who gets it. */
interface LogRequest {
  readonly service: string;
  readonly targets: readonly LogTarget[];
  readonly follow: boolean;
  /** Instants in nanoseconds since 1970. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  /** Only the last lines of each container; undefined = all. */
  readonly tail: number | undefined;
  readonly signal: AbortSignal;
  /** Told the lines; resolves when there is room for more. */
  readonly tell: (lines: readonly ToldLine[]) => Promise<void>;
}

/** A line, or how many were passed over. */
export type ToldLine =
  & { readonly component: string; readonly at: bigint }
  & (
    | { readonly isStderr: boolean; readonly text: string }
    | { readonly skipped: number }
  );

/**
 * Held back for earlier ones. Those of the same container come at the same time, through another pipe of
 * the same program; the past of another container comes as soon as podman has begun to read that.
 */
const holdMs = 200;
const holdOldMs = 2_000;
/** Kept of each stream of each container. */
const mostItems = 2_000;
const mostWeight = 512 * 1024;
/** Told at once. */
const batch = { items: 500, weight: 128 * 1024 };
/** How often it is looked whether a container that ended has a successor. */
const successorMs = 1_000;
/** Each is a program that runs on the node. */
const mostReadAtOnce = 100;

/** Reads logs. */
export class Logs {
  readonly #options: LogsOptions;
  #readNow = 0;

  constructor(options: LogsOptions) {
    this.#options = options;
  }

  /**
   * Reads until all is told, or until it is called off.
   *
   * @throws {McpError} `not_found` when no component has a container and it is not waited for one,
   *   `unavailable` when too many logs are being read or the runtime cannot be asked.
   */
  async read(request: LogRequest): Promise<void> {
    const { service, targets } = request;
    if (this.#readNow + targets.length > mostReadAtOnce) {
      throw new McpError(
        "unavailable",
        `Cannot read the logs of "${service}": ${this.#readNow} logs are being read already`,
        { hint: "Try again when somebody else has stopped following some" },
      );
    }
    this.#readNow += targets.length;
    try {
      await new Reading(this.#options, request).run();
    } finally {
      this.#readNow -= targets.length;
    }
  }
}

/** One call. */
class Reading {
  readonly #runtime: LogsOptions["runtime"];
  readonly #clock: Clock;
  readonly #request: LogRequest;
  readonly #merge: TimeMerge<LogRecord>;
  readonly #beganAt: bigint;
  /** Ends the readers, however it ends. */
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  #news = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  constructor({ runtime, clock }: LogsOptions, request: LogRequest) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#request = request;
    this.#beganAt = BigInt(clock.now().getTime()) * 1_000_000n;
    this.#signal = AbortSignal.any([request.signal, this.#over.signal]);
    this.#merge = new TimeMerge({
      holdMs: ({ at }, earlierOnes) => {
        if (!request.follow) return Infinity;
        return earlierOnes === "of others" && at < this.#beganAt ? holdOldMs : holdMs;
      },
      mostItems,
      mostWeight,
      weightOf: ({ text }) => text.length,
    });
    this.#signal.addEventListener("abort", () => {
      this.#news.resolve();
      this.#room.resolve();
    }, { once: true });
  }

  async run(): Promise<void> {
    const { targets, until, follow } = this.#request;
    // Before the first of them begins: the others are waited for.
    for (const { component } of targets) {
      this.#each(component, (name) => this.#merge.open(name, component));
    }
    let areDone = false;
    const found: boolean[] = [];
    const reading = Promise.all(targets.map(async (target) => {
      found.push(await this.#readComponent(target));
    })).finally(() => {
      areDone = true;
      this.#news.resolve();
    });
    // It is awaited below: a failure before that is no unhandled rejection.
    reading.catch(() => {});
    if (follow && until !== undefined) void this.#endAt(until);
    try {
      while (!this.#request.signal.aborted) {
        const nowMs = this.#clock.now().getTime();
        const lines = this.#merge.take(nowMs, batch);
        if (lines.length > 0) {
          this.#makeRoom();
          await this.#request.tell(lines.map(toldLine));
          continue;
        }
        const waitMs = this.#merge.waitMs(nowMs);
        if (areDone && waitMs === undefined) break;
        await this.#wait(waitMs);
      }
      if (!this.#request.signal.aborted) await reading;
    } finally {
      this.#over.abort();
      // Nothing is left running; what ended it is thrown already.
      await reading.catch(() => {});
    }
    if (!follow && !found.includes(true) && !this.#request.signal.aborted) throw this.#nothing();
  }

  /** Whether there was a container. */
  async #readComponent({ component, container }: LogTarget): Promise<boolean> {
    const { follow, since, until, tail } = this.#request;
    let position = new LogPosition();
    let seen: ContainerDetail | undefined;
    const isOver = () => this.#signal.aborted;
    const stdout = streamName(component, false);
    const stderr = streamName(component, true);
    while (!isOver()) {
      const found = await this.#runtime.inspect(container, this.#signal);
      if (isOver()) break;
      if (found !== undefined && isNews(found, seen)) {
        if (found.id === seen?.id) position.resume();
        else position = new LogPosition();
        this.#each(component, (name) => this.#merge.open(name, component));
        await this.#readOnce(component, found.id, {
          since: position.since ?? since,
          tail: seen === undefined ? tail : undefined,
          onRecord: (record) => {
            const name = record.isStderr ? stderr : stdout;
            if (!position.take(name, record.at)) return;
            if (until === undefined || record.at <= until) return this.#add(name, record);
          },
        });
        seen = found;
      }
      this.#each(component, (name) => this.#merge.close(name));
      this.#news.resolve();
      if (!follow) break;
      await this.#clock.sleep(successorMs, this.#signal).catch(() => {
        // It was called off: the loop sees that.
      });
    }
    return seen !== undefined;
  }

  async #readOnce(
    component: string,
    id: string,
    how: {
      readonly since: bigint | undefined;
      readonly tail: number | undefined;
      readonly onRecord: (record: LogRecord) => void | Promise<void>;
    },
  ): Promise<void> {
    const { follow } = this.#request;
    try {
      await this.#runtime.readLog(id, { ...how, follow, signal: this.#signal });
    } catch (error) {
      // It was removed in this moment: there is nothing to read any more.
      if (this.#signal.aborted || (error instanceof McpError && error.kind === "not_found")) return;
      throw new McpError("unavailable", `Cannot read the log of component "${component}"`, {
        cause: error,
      });
    }
  }

  /** What is of the past waits for room; what is new takes the place of the oldest. */
  #add(name: string, record: LogRecord): void | Promise<void> {
    if (this.#mustWait(name, record)) return this.#addLater(name, record);
    const isNews = this.#merge.add(name, record, this.#clock.now().getTime());
    if (isNews) this.#news.resolve();
  }

  async #addLater(name: string, record: LogRecord): Promise<void> {
    while (this.#mustWait(name, record)) await this.#room.promise;
    await this.#add(name, record);
  }

  #mustWait(name: string, { at }: LogRecord): boolean {
    return at < this.#beganAt && this.#merge.isFull(name) && !this.#signal.aborted;
  }

  #makeRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  /** Waits for something new, or until what is held may be told. */
  async #wait(waitMs: number | undefined): Promise<void> {
    const news = this.#news.promise;
    const timer = new AbortController();
    const late = waitMs === undefined || waitMs === Infinity
      ? new Promise<void>(() => {})
      : this.#clock.sleep(waitMs, timer.signal).catch(() => {
        // There was news before.
      });
    await Promise.race([news, late]);
    timer.abort();
    this.#news = Promise.withResolvers();
    if (this.#signal.aborted) this.#news.resolve();
  }

  /** Ends what is followed when nothing can come any more that is wanted. */
  async #endAt(until: bigint): Promise<void> {
    const restMs = Number(until / 1_000_000n) - this.#clock.now().getTime();
    try {
      await this.#clock.sleep(Math.max(0, restMs) + holdOldMs, this.#signal);
    } catch {
      return;
    }
    this.#over.abort();
  }

  #each(component: string, act: (stream: string) => void): void {
    for (const isStderr of [false, true]) act(streamName(component, isStderr));
  }

  #nothing(): McpError {
    const { service, targets: [only, ...others] } = this.#request;
    const name = others.length > 0 || only === undefined ? service : `${service}/${only.component}`;
    return new McpError("not_found", `There is no container of "${name}" on this node`, {
      hint: `Run \`mcp status ${service}\``,
    });
  }
}

/** Whether a container may have printed what was not read: it runs, or has run since. */
function isNews(found: ContainerDetail, seen: ContainerDetail | undefined): boolean {
  return found.id !== seen?.id || found.status === "running" ||
    found.startedAt?.getTime() !== seen.startedAt?.getTime();
}

function streamName(component: string, isStderr: boolean): string {
  return `${component} ${isStderr ? "stderr" : "stdout"}`;
}

function toldLine(merged: Merged<LogRecord>): ToldLine {
  const [component = ""] = merged.stream.split(" ");
  if ("skipped" in merged) return { component, at: merged.at, skipped: merged.skipped };
  return { component, ...merged.item };
}
