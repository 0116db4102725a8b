/**
 * What the containers of a service print, from all nodes that have it, in the order of time.
 *
 * Each node tells its lines in order; here they are only put side by side. What is not read waits
 * on the node.
 *
 * @module
 */

import { formatDuration } from "../../lib/domain/duration.ts";
import { LogPosition } from "../../lib/domain/log_position.ts";
import { TimeMerge } from "../../lib/domain/time_merge.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { Node } from "../settings/config.ts";
import type { Line } from "../output/screen_text.ts";
import type { Agents } from "./agents.ts";
import { type LogLine, logLinesOf } from "./log_lines.ts";

/** What reading needs. */
interface LogDeps {
  readonly agents: Agents;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** What is read. */
interface LogQuestion {
  readonly service: string;
  /** Undefined = all. */
  readonly component: string | undefined;
  readonly follow: boolean;
  readonly since: Date | undefined;
  readonly until: Date | undefined;
  readonly tail: number | undefined;
}

/** Lines that are to be told now, or a word about a node. */
type LogPiece =
  | { readonly lines: readonly NodeLogLine[] }
  | { readonly aside: Line };

/** A line of one node. */
export interface NodeLogLine {
  readonly nodeName: string;
  /** Nanoseconds since 1970. */
  readonly at: bigint;
  readonly line: LogLine;
}

/** How all ended. */
interface LogEnd {
  /** What the nodes that told nothing more failed with. */
  readonly failures: readonly McpError[];
}

const holdMs = 200;
const mostItems = 2_000;
const mostWeight = 4 * 1024 * 1024;
const batch = { items: 200, weight: 256 * 1024 };
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** Gives lines as the nodes tell them; returns how it ended. */
export async function* readLogs(
  deps: LogDeps,
  nodes: readonly Node[],
  question: LogQuestion,
): AsyncGenerator<LogPiece, LogEnd> {
  const reading = new LogReading(deps, nodes, question);
  try {
    return yield* reading.pieces();
  } finally {
    await reading.stop();
  }
}

class LogReading {
  readonly #deps: LogDeps;
  readonly #question: LogQuestion;
  readonly #merge: TimeMerge<NodeLogLine>;
  readonly #left = new AbortController();
  readonly #signal: AbortSignal;
  readonly #asides: Line[] = [];
  readonly #failures: McpError[] = [];
  readonly #done: Promise<void>;
  #isDone = false;
  #defect: unknown;
  #news = Promise.withResolvers<void>();
  #room = Promise.withResolvers<void>();

  constructor(deps: LogDeps, nodes: readonly Node[], question: LogQuestion) {
    this.#deps = deps;
    this.#question = question;
    this.#signal = AbortSignal.any([deps.interrupted, this.#left.signal]);
    this.#merge = new TimeMerge({
      holdMs: () => question.follow ? holdMs : Infinity,
      mostItems,
      mostWeight,
      weightOf: ({ line }) => line.text.length,
    });
    this.#signal.addEventListener("abort", () => {
      this.#news.resolve();
      this.#room.resolve();
    }, { once: true });
    for (const { name } of nodes) this.#merge.open(name);
    this.#done = Promise.all(nodes.map((node) => this.#readNode(node)))
      .catch((error) => {
        this.#defect = error;
      })
      .then(() => {
        this.#isDone = true;
        this.#news.resolve();
      });
  }

  async stop(): Promise<void> {
    this.#left.abort();
    await this.#done;
  }

  async *pieces(): AsyncGenerator<LogPiece, LogEnd> {
    const { clock, interrupted } = this.#deps;
    while (!interrupted.aborted) {
      for (let aside = this.#asides.shift(); aside !== undefined; aside = this.#asides.shift()) {
        yield { aside };
      }
      const nowMs = clock.now().getTime();
      const lines = this.#merge.take(nowMs, batch);
      if (lines.length > 0) {
        this.#room.resolve();
        this.#room = Promise.withResolvers();
        // Nothing is passed over: whoever is full is not read on.
        yield { lines: lines.flatMap((merged) => "item" in merged ? [merged.item] : []) };
        continue;
      }
      const waitMs = this.#merge.waitMs(nowMs);
      if (this.#isDone && waitMs === undefined && this.#asides.length === 0) break;
      await this.#wait(waitMs);
    }
    if (this.#defect !== undefined && !interrupted.aborted) throw this.#defect;
    return { failures: this.#failures };
  }

  async #wait(waitMs: number | undefined): Promise<void> {
    const timer = new AbortController();
    const late = waitMs === undefined || waitMs === Infinity
      ? new Promise<void>(() => {})
      : this.#deps.clock.sleep(waitMs, timer.signal).catch(() => {
        // There was news before.
      });
    await Promise.race([this.#news.promise, late]);
    timer.abort();
    this.#news = Promise.withResolvers();
    if (this.#signal.aborted) this.#news.resolve();
  }

  /** A node that is followed and drops is asked again, from the last line on. */
  async #readNode(node: Node): Promise<void> {
    const { clock } = this.#deps;
    const position = new LogPosition();
    let before: bigint | undefined;
    let pauseMs = firstPauseMs;
    try {
      while (!this.#signal.aborted) {
        before = position.since;
        try {
          await this.#readOnce(node, position);
          // The agent ends what is followed only when nothing more can come.
          return;
        } catch (error) {
          if (this.#signal.aborted) return;
          if (!(error instanceof McpError)) throw error;
          const isWorthIt = this.#question.follow && error.kind === "unavailable" &&
            position.since !== undefined;
          if (!isWorthIt) return this.#give(node, error);
          const hasTold = position.since !== before;
          if (hasTold) pauseMs = firstPauseMs;
          const text = `${errorChain(error)}; trying again in ${formatDuration(pauseMs)}`;
          if (hasTold || pauseMs === firstPauseMs) {
            this.#asides.push([{ text, tone: "warn" }]);
          }
          this.#merge.close(node.name);
          this.#news.resolve();
          await clock.sleep(pauseMs, this.#signal).catch(() => {
            // It was called off: the loop sees that.
          });
          pauseMs = Math.min(pauseMs * 2, longestPauseMs);
          this.#merge.open(node.name);
        }
      }
    } finally {
      this.#merge.close(node.name);
      this.#news.resolve();
    }
  }

  #give(node: Node, error: McpError): void {
    // Most services run on one node.
    this.#failures.push(error);
    if (error.kind === "not_found") return;
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    const text = `${node.name}: ${errorChain(error)}${hint}`;
    this.#asides.push([{ text, tone: "bad" }]);
  }

  async #readOnce(node: Node, position: LogPosition): Promise<void> {
    const { service, component, follow, since, until, tail } = this.#question;
    const from = position.since ?? (since === undefined ? undefined : nanosecondsOf(since));
    const isFirst = position.since === undefined;
    position.resume();
    const request = {
      service,
      component: component ?? "",
      follow,
      blocks: true,
      ...(from === undefined ? {} : { since: timestamp(from) }),
      ...(until === undefined ? {} : { until: timestamp(nanosecondsOf(until)) }),
      ...(tail === undefined || !isFirst ? {} : { tail }),
    };
    await this.#deps.agents.ask(node, async (agent, call) => {
      const options = { ...call, signal: this.#signal };
      for await (const answer of agent.streamLogs(request, options)) {
        for (const line of logLinesOf(answer)) {
          const { at } = line;
          const isNew = line.skipped > 0 || position.take(`${line.component} ${line.stderr}`, at);
          if (!isNew) continue;
          // Most have room at once, and need not wait for a turn.
          if (this.#isFull(node.name)) await this.#roomFor(node.name);
          this.#add({ nodeName: node.name, at, line });
        }
      }
    }, { timeoutMs: Infinity });
  }

  async #roomFor(name: string): Promise<void> {
    while (this.#isFull(name)) await this.#room.promise;
  }

  #isFull(name: string): boolean {
    return this.#merge.isFull(name) && !this.#signal.aborted;
  }

  #add(line: NodeLogLine): void {
    const isNews = this.#merge.add(line.nodeName, line, this.#deps.clock.now().getTime());
    if (isNews) this.#news.resolve();
  }
}

function nanosecondsOf(at: Date): bigint {
  return BigInt(at.getTime()) * 1_000_000n;
}

function timestamp(at: bigint): { readonly seconds: bigint; readonly nanos: number } {
  const seconds = at / 1_000_000_000n;
  return { seconds, nanos: Number(at - seconds * 1_000_000_000n) };
}
