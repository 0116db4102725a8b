/**
 * The HTTP/2 connections of a server.
 *
 * @module
 */

import type { Server } from "@grpc/grpc-js";
import type { EventEmitter } from "node:events";
import type { Http2Session } from "node:http2";

/** Does something with each connection when it is made; for a server that listens. */
export function onSession(server: Server, act: (session: Http2Session) => void): void {
  // grpc-js has no door to this.
  const { http2Servers } = server as unknown as Partial<Inside>;
  if (http2Servers === undefined) throw new Error("grpc-js keeps its servers somewhere else now");
  for (const http2Server of http2Servers.keys()) http2Server.on("session", act);
}

/** What grpc-js keeps for itself (seen with 1.14). */
interface Inside {
  readonly http2Servers: ReadonlyMap<EventEmitter, unknown>;
}
