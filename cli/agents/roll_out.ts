/**
 * Watching one rollout on one node, through everything that comes between.
 *
 * The rollout belongs to the node: a connection that is lost is made again, and what was missed
 * is told. Its operation has an id that was made here, so that what is asked for twice is done once.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatDuration } from "../../lib/domain/duration.ts";
import { errorChain, McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { RollOutRequestSchema, RollOutResponse } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Node } from "../settings/config.ts";
import { Interrupted } from "../terminal/interrupted.ts";
import type { Line } from "../output/screen_text.ts";
import type { Agents } from "./agents.ts";
import { Queue } from "./queue.ts";

/** What watching needs. */
interface RollOutDeps {
  readonly agents: Agents;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** Which rollout. */
export interface WatchedRollOut {
  readonly node: Node;
  readonly service: string;
  /** What is asked for; undefined: one that goes on already is watched. */
  readonly request: MessageInitShape<typeof RollOutRequestSchema> | undefined;
  /** Empty = the latest of the service. */
  readonly operationId: string;
  readonly timeoutMs: number;
}

/** A step of the rollout, or a word about the node. */
type RollOutPiece = { readonly event: RollOutResponse } | { readonly aside: Line };

const firstPauseMs = 1_000;
const longestPauseMs = 15_000;
/** For how long a node may be silent before it is no longer asked. */
const giveUpMs = 5 * 60_000;

/**
 * Gives every step as it is taken, and ends with the one that says how it ended.
 *
 * @throws {McpError} `unimplemented` when the agent cannot tell steps: then nothing was begun.
 * @throws {Interrupted} on Ctrl-C, saying how to come back.
 */
export async function* watchRollOut(
  deps: RollOutDeps,
  rollOut: WatchedRollOut,
): AsyncGenerator<RollOutPiece> {
  const queue = new Queue<RollOutPiece>();
  const left = new AbortController();
  const signal = AbortSignal.any([deps.interrupted, left.signal]);
  const watching = new Watch({ ...deps, signal }, rollOut, queue).run();
  // However it ends, who waits for the next piece must learn of it.
  const closing = watching.then(() => queue.close(), (error) => queue.close(error));
  try {
    yield* queue;
  } catch (error) {
    throw deps.interrupted.aborted ? detached(rollOut) : error;
  } finally {
    left.abort();
    await closing;
  }
  if (deps.interrupted.aborted) throw detached(rollOut);
}

class Watch {
  readonly #deps: RollOutDeps & { readonly signal: AbortSignal };
  readonly #rollOut: WatchedRollOut;
  readonly #queue: Queue<RollOutPiece>;
  readonly #deadline: number;
  #operationId: string;
  /** Of the last event that was told; 0 = none. */
  #sequence = 0n;
  #hasEnded = false;
  #pauseMs = firstPauseMs;
  /** Since when the node has been silent; undefined = it answers. */
  #lostAt: number | undefined;

  constructor(
    deps: RollOutDeps & { readonly signal: AbortSignal },
    rollOut: WatchedRollOut,
    queue: Queue<RollOutPiece>,
  ) {
    this.#deps = deps;
    this.#rollOut = rollOut;
    this.#queue = queue;
    this.#deadline = this.#now() + rollOut.timeoutMs;
    this.#operationId = rollOut.operationId;
  }

  async run(): Promise<void> {
    const { request } = this.#rollOut;
    let failure = await this.#attempt(request === undefined ? "attach" : "begin");
    if (failure === undefined) return;
    if (this.#sequence === 0n) {
      if (request === undefined) throw failure;
      // The request may have arrived all the same.
      const again = await this.#attempt("attach");
      if (again === undefined) return;
      if (this.#sequence === 0n) throw failure;
      failure = again;
    }
    while (!this.#deps.signal.aborted) {
      await this.#pause(failure);
      const again = await this.#attempt("attach");
      if (again === undefined) return;
      failure = again;
    }
  }

  /** What kept the node from telling all; undefined when it has. */
  async #attempt(how: "begin" | "attach"): Promise<McpError | undefined> {
    const { agents, signal } = this.#deps;
    const { node, service, request } = this.#rollOut;
    const operationId = this.#operationId;
    const timeoutMs = Math.max(1, this.#deadline - this.#now());
    try {
      await agents.ask(node, async (agent, call) => {
        const options = { ...call, signal };
        const events = how === "begin"
          ? agent.rollOut({ ...request, operationId }, options)
          : agent.attachRollOut({ operationId, service }, options);
        for await (const event of events) {
          this.#take(event);
          if (this.#hasEnded) return;
        }
        throw new McpError("unavailable", `Node "${node.name}" ended the stream too early`);
      }, { timeoutMs });
      return undefined;
    } catch (error) {
      if (!(error instanceof McpError) || signal.aborted) throw error;
      if (error.kind !== "unavailable") {
        // Whether it had begun, only the first answer knows.
        const neverBegan = how === "attach" && this.#sequence === 0n && request !== undefined;
        if (neverBegan) return error;
        throw error;
      }
      if (this.#now() >= this.#deadline) throw this.#late();
      return error;
    }
  }

  #take(event: RollOutResponse): void {
    const { node } = this.#rollOut;
    if (this.#lostAt !== undefined) {
      this.#queue.push({ aside: [`Node "${node.name}" answers again`] });
    }
    this.#lostAt = undefined;
    this.#pauseMs = firstPauseMs;
    if (event.sequence <= this.#sequence) return;
    this.#sequence = event.sequence;
    this.#operationId = event.operationId;
    this.#hasEnded = event.kind === "ended";
    this.#queue.push({ event });
  }

  async #pause(failure: McpError): Promise<void> {
    const { clock, signal } = this.#deps;
    const { node, service } = this.#rollOut;
    if (this.#lostAt === undefined) {
      const wait = formatDuration(this.#pauseMs);
      const text = `${errorChain(failure)}; the rollout goes on there, asking again in ${wait}`;
      this.#queue.push({ aside: [{ text, tone: "warn" }] });
      this.#lostAt = this.#now();
    }
    if (this.#now() >= this.#deadline) throw this.#late();
    if (this.#now() - this.#lostAt >= giveUpMs) {
      throw new McpError(
        "unavailable",
        `Node "${node.name}" has been silent for ${
          formatDuration(giveUpMs)
        } in the middle of a rollout`,
        { cause: failure, hint: comeBack(service) },
      );
    }
    const restMs = this.#deadline - this.#now();
    await clock.sleep(Math.min(this.#pauseMs, restMs), signal);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
  }

  #late(): McpError {
    const { node, service, timeoutMs } = this.#rollOut;
    return new McpError(
      "unavailable",
      `"${service}" is not rolled out after ${
        formatDuration(timeoutMs)
      }; node "${node.name}" carries on`,
      { hint: comeBack(service) },
    );
  }

  #now(): number {
    return this.#deps.clock.now().getTime();
  }
}

function detached({ node, service }: WatchedRollOut): Interrupted {
  return new Interrupted(`Detached; the rollout of ${service} goes on on node "${node.name}"`, {
    hint: comeBack(service),
  });
}

function comeBack(service: string): string {
  return `\`mcp deploy ${service} --attach\` comes back to it`;
}
