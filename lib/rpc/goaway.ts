/**
 * Keeps Deno 2.9.6 from dying when a client says goodbye.
 *
 * Its HTTP/2 may read freed memory when a GOAWAY arrives (denoland/deno#36788): a server that any
 * client can end by hanging up politely, seen in half of the runs of a thousand short connections. A
 * server has no need of that frame, since whoever sends it hangs up next. So it is taken out of what a
 * connection receives before HTTP/2 sees it.
 *
 * @module
 */

import type { Server } from "@grpc/grpc-js";
import type { EventEmitter } from "node:events";
import { onSession } from "./session.ts";

/** What a client begins with (RFC 9113, 3.4). */
const prefaceBytes = 24;
const headerBytes = 9;
const goawayType = 0x7;

/** Takes GOAWAY out of what the connections of a server receive; for a server that listens. */
export function dropGoaway(server: Server): void {
  onSession(server, (session) => {
    const inside = session as unknown as Record<symbol, unknown>;
    const named = (name: string) =>
      Object.getOwnPropertySymbols(session).find(({ description }) => description === name);
    const listener = named("socket-data-listener");
    const socket = named("socket");
    // Another Deno receives in another way, and may not need this any more.
    if (listener === undefined || socket === undefined) return;
    const receive = inside[listener] as (chunk: Uint8Array) => void;
    const connection = inside[socket] as EventEmitter;
    const filter = new GoawayFilter();
    const receiveFiltered = (chunk: Uint8Array) => {
      const left = filter.pass(chunk);
      if (left.byteLength > 0) receive(left);
    };
    connection.removeListener("data", receive);
    connection.on("data", receiveFiltered);
    // By this name it is taken off again at the end.
    inside[listener] = receiveFiltered;
  });
}

/** Passes on what a client sends but its GOAWAY frames, however the bytes are cut into chunks. */
export class GoawayFilter {
  /** The header of the frame that begins, as far as it has come. */
  readonly #header = new Uint8Array(headerBytes);
  #headerLength = 0;
  /** Bytes left of the preface, or of the frame's content. */
  #left = prefaceBytes;
  #drops = false;

  /** What is left of a chunk; a header that is not whole yet comes with the next one. */
  pass(chunk: Uint8Array): Uint8Array {
    const kept: Uint8Array[] = [];
    let isWhole = this.#headerLength === 0;
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        if (this.#drops) isWhole = false;
        else kept.push(part);
        this.#left -= part.byteLength;
        at += part.byteLength;
        continue;
      }
      const part = chunk.subarray(at, at + headerBytes - this.#headerLength);
      this.#header.set(part, this.#headerLength);
      this.#headerLength += part.byteLength;
      at += part.byteLength;
      if (this.#headerLength < headerBytes) break;
      const [high = 0, middle = 0, low = 0, type = 0] = this.#header;
      this.#headerLength = 0;
      this.#left = (high << 16) | (middle << 8) | low;
      this.#drops = type === goawayType;
      if (this.#drops) isWhole = false;
      else kept.push(this.#header.slice());
    }
    // Nearly always: then it is not copied.
    return isWhole && this.#headerLength === 0 ? chunk : joined(kept);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
