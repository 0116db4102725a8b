/**
 * Following the events of many nodes at once, through everything that comes between.
 *
 * A node that drops is said once, tried again with growing patience, and said once
 * more when it answers. Its stream is taken up where it was left: from the instant
 * of the last event, without those whose number was there already. Both come from
 * the node itself, so that clocks which disagree lose nothing.
 *
 * @module
 */

import { errorChain, McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { EventInfo } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Node } from "../settings/config.ts";
import type { Line } from "../output/screen_text.ts";
import { formatDuration } from "../../lib/domain/duration.ts";
import type { Agents } from "./agents.ts";
import { type EventView, eventView } from "./service_view.ts";
import { Queue } from "./queue.ts";
import { type Happening, toTimestamp } from "./timeline.ts";

/** What following needs. */
interface FollowDeps {
  readonly agents: Agents;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** What is followed. */
export interface FollowOptions {
  /** Empty = all services. */
  readonly service: string;
  /** Begin with what was seen then or later; undefined: with what is still to come. */
  readonly since: Date | undefined;
  /** How long to wait for a node to take the call. */
  readonly timeoutMs: number;
}

/** An event, or a word about a node. */
type Followed = Happening<EventView> | { readonly aside: Line };

/** A piece, or that a node gives nothing any more. */
type Told = { readonly value: Followed } | { readonly refusal: McpError };

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Gives events as the nodes tell them, until it is interrupted.
 *
 * @throws {McpError} what the first node was refused with, when no node is left that is worth
 *   trying again: without a token, waiting does not help.
 */
export async function* follow(
  deps: FollowDeps,
  nodes: readonly Node[],
  options: FollowOptions,
): AsyncGenerator<Followed> {
  const queue = new Queue<Told>();
  const ended = new AbortController();
  const signal = AbortSignal.any([deps.interrupted, ended.signal]);
  const following = Promise.all(
    nodes.map((node) => followNode({ ...deps, signal }, node, options, queue)),
  );
  // However it ends, who waits for the next piece must learn of it.
  const closing = following.then(() => queue.close(), (error) => queue.close(error));
  try {
    let refusals = 0;
    for await (const piece of queue) {
      if (!("refusal" in piece)) yield piece.value;
      else if (++refusals === nodes.length) throw piece.refusal;
      // Most nodes do not know a service that runs on one.
      else if (piece.refusal.kind !== "not_found") yield { aside: refusalLine(piece.refusal) };
    }
  } finally {
    ended.abort();
    await closing;
  }
}

/** Where a node's stream is taken up. */
interface Position {
  readonly since: { readonly seconds: bigint; readonly nanos: number };
  readonly lastId: bigint;
}

async function followNode(
  { agents, clock, signal }: FollowDeps & { readonly signal: AbortSignal },
  node: Node,
  { service, since, timeoutMs }: FollowOptions,
  queue: Queue<Told>,
): Promise<void> {
  let position: Position | undefined = since === undefined
    ? undefined
    : { since: toTimestamp(since), lastId: 0n };
  let pauseMs = firstPauseMs;
  let isDown = false;

  const takeUp = async () => {
    await agents.ask(node, async (agent, call) => {
      const options = { ...call, signal };
      // Asked each time: its answer is the sign that the node is there again.
      const { events: [newest] } = await agent.listEvents({ service, limit: 1 }, options);
      position ??= positionAfter(newest);
      if (isDown) queue.push({ value: { aside: [`Node "${node.name}" answers again`] } });
      isDown = false;
      pauseMs = firstPauseMs;
      const endless = { ...options, timeoutMs: Infinity };
      for await (
        const { event } of agent.watchEvents({ service, since: position.since }, endless)
      ) {
        if (event === undefined || isBefore(event, position)) continue;
        position = positionAfter(event);
        queue.push({ value: { nodeName: node.name, value: eventView(event) } });
      }
    }, { timeoutMs });
    throw new McpError("unavailable", `Node "${node.name}" ended the stream`);
  };

  while (!signal.aborted) {
    try {
      await takeUp();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof McpError)) throw error;
      if (error.kind !== "unavailable") return queue.push({ refusal: error });
      if (!isDown) {
        const wait = formatDuration(pauseMs);
        const text = `${errorChain(error)}; trying again in ${wait}`;
        queue.push({ value: { aside: [{ text, tone: "warn" }] } });
      }
      isDown = true;
      await clock.sleep(pauseMs, signal).catch(() => {
        // It was called off: the loop sees that.
      });
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
}

function positionAfter(event: EventInfo | undefined): Position {
  const { seconds = 0n, nanos = 0 } = event?.timestamp ?? {};
  return { since: { seconds, nanos }, lastId: event?.id ?? 0n };
}

function isBefore({ id }: EventInfo, { lastId }: Position): boolean {
  return id !== 0n && id <= lastId;
}

function refusalLine(error: McpError): Line {
  const hint = error.hint === undefined ? "" : `; ${error.hint}`;
  return [{ text: `${errorChain(error)}; it is not tried again${hint}`, tone: "bad" }];
}
