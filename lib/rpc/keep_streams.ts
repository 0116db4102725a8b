/**
 * Keeps Deno 2.9.6 from dying when a client hangs up whose streams were collected as garbage.
 *
 * Its HTTP/2 goes on using what belongs to a stream when nothing else refers to the stream any more
 * (denoland/deno#36788): a client that is idle for a moment and then leaves, whoever it is, takes the
 * whole server with it. So every stream is referred to for as long as its connection is open, and a
 * moment longer, in which the connection is taken down.
 *
 * @module
 */

import type { Server } from "@grpc/grpc-js";
import type { EventEmitter } from "node:events";

/** How long a connection that has ended may still be looked at. */
const takenDownMs = 1_000;

/** Refers to the streams of a server that listens. */
export function keepStreams(server: Server): void {
  // grpc-js has no door to what it listens with.
  const { http2Servers } = server as unknown as Partial<Inside>;
  if (http2Servers === undefined) throw new Error("grpc-js keeps its servers somewhere else now");
  const streamsOf = new Map<EventEmitter, unknown[]>();
  for (const http2Server of http2Servers.keys()) {
    http2Server.on("session", (session: EventEmitter) => {
      streamsOf.set(session, []);
      session.once("close", () => setTimeout(() => streamsOf.delete(session), takenDownMs));
      session.on("stream", (stream: unknown) => streamsOf.get(session)?.push(stream));
    });
  }
}

/** What grpc-js keeps for itself (seen with 1.14). */
interface Inside {
  readonly http2Servers: ReadonlyMap<EventEmitter, unknown>;
}
