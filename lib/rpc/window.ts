/**
 * How much may be on its way before the receiver has said that it got something.
 *
 * HTTP/2 begins with 64 KiB (RFC 9113, 6.9.2): then a file of 4 MiB takes 64 rounds, which is 5 seconds
 * to a node that is 50 ms away, and 0.4 with this much. It also bounds what waits for a reader who does
 * not read.
 *
 * @module
 */

import type { Server } from "@grpc/grpc-js";
import { onSession } from "./session.ts";

/** Of each stream, and of all streams of a connection. */
export const windowBytes = 1024 * 1024;

/** Lets clients send this much; for a server that listens. */
export function widenWindow(server: Server): void {
  // grpc-js has a setting for it in clients only (seen with 1.14).
  onSession(server, (session) => {
    try {
      session.settings({ initialWindowSize: windowBytes });
      session.setLocalWindowSize(windowBytes);
    } catch {
      // Whoever connected has hung up already: nothing will be sent.
    }
  });
}
