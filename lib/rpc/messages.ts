/**
 * The messages of a call, out of the bytes that carry them and back.
 *
 * Each has five bytes in front: whether it is compressed, and how long it is.
 *
 * Pure.
 *
 * @module
 */

import { type Status, status } from "./status.ts";

/** Largest message either side accepts: 4 MiB of content and room for the envelope. */
export const maxMessageBytes = 4 * 1024 * 1024 + 64 * 1024;

const prefixBytes = 5;

/** A message with what goes in front of it. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + message.byteLength);
  new DataView(bytes.buffer).setUint32(1, message.byteLength);
  bytes.set(message, prefixBytes);
  return bytes;
}

/** Puts messages together, however their bytes are cut into chunks. */
export class MessageReader {
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixLength = 0;
  /** The message that has begun; undefined while its prefix is not whole. */
  #message: Uint8Array | undefined;
  #length = 0;

  /** Whether the last message is whole. */
  get isWhole(): boolean {
    return this.#prefixLength === 0;
  }

  /** The messages that are whole now; a status where nobody can read on. */
  read(chunk: Uint8Array): readonly Uint8Array[] | Status {
    const messages: Uint8Array[] = [];
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#message === undefined) {
        const part = chunk.subarray(at, at + prefixBytes - this.#prefixLength);
        this.#prefix.set(part, this.#prefixLength);
        this.#prefixLength += part.byteLength;
        at += part.byteLength;
        if (this.#prefixLength < prefixBytes) break;
        if (this.#prefix[0] !== 0) {
          return refusal(status.INTERNAL, "The answer is compressed, which nobody has asked for");
        }
        const length = new DataView(this.#prefix.buffer).getUint32(1);
        if (length > maxMessageBytes) {
          const details =
            `The answer has a message of ${length} bytes, of ${maxMessageBytes} at most`;
          return refusal(status.RESOURCE_EXHAUSTED, details);
        }
        // Most are in one chunk as they are, and need not be copied.
        if (chunk.byteLength - at >= length) {
          messages.push(chunk.subarray(at, at + length));
          at += length;
          this.#prefixLength = 0;
          continue;
        }
        this.#message = new Uint8Array(length);
        this.#length = 0;
      }
      const part = chunk.subarray(at, at + this.#message.byteLength - this.#length);
      this.#message.set(part, this.#length);
      this.#length += part.byteLength;
      at += part.byteLength;
      if (this.#length < this.#message.byteLength) break;
      messages.push(this.#message);
      this.#message = undefined;
      this.#prefixLength = 0;
    }
    return messages;
  }
}

function refusal(code: number, details: string): Status {
  return { code, details, metadata: [] };
}
