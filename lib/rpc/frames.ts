/**
 * The frames that HTTP/2 is cut into (RFC 9113, 4 and 6), out of bytes and back.
 *
 * Pure.
 *
 * @module
 */

/** What frames there are. */
export const frame = {
  data: 0x0,
  headers: 0x1,
  reset: 0x3,
  settings: 0x4,
  push: 0x5,
  ping: 0x6,
  goaway: 0x7,
  window: 0x8,
  continuation: 0x9,
} as const;

/** What their flags mean. */
export const flag = {
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Why a stream or a connection ends (RFC 9113, 7). */
export const errorCode = { none: 0x0, refused: 0x7, cancel: 0x8 } as const;

/** The largest frame that either side takes that has not said otherwise. */
export const maxFrameBytes = 16_384;
/** What each side may send that has not been told otherwise. */
export const initialWindowBytes = 65_535;

const headBytes = 9;

/** A frame that was received. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** 0 = the connection. */
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** The other side does not keep to HTTP/2: the connection cannot be used any more. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** A frame as it is sent. */
export function frameBytes(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(headBytes + payload.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.byteLength * 256 + type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, headBytes);
  return bytes;
}

/** Numbers of 32 bits, e.g. a window or a code. */
export function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => view.setUint32(at * 4, value));
  return bytes;
}

/** The number of 32 bits that a payload has in a place. */
export function numberAt(payload: Uint8Array, at: number): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(at);
}

/** What is in a frame besides what it is padded with, and a priority that nobody heeds. */
export function contentOf({ type, flags, payload }: Frame): Uint8Array {
  const isPadded = (flags & flag.padded) !== 0;
  const begin = (isPadded ? 1 : 0) +
    (type === frame.headers && (flags & flag.priority) !== 0 ? 5 : 0);
  const end = payload.byteLength - (isPadded ? payload[0] ?? 0 : 0);
  if (begin > end) throw new ProtocolError("a frame is padded with more than it has");
  return payload.subarray(begin, end);
}

/** Puts frames together, however their bytes are cut into chunks. */
export class FrameReader {
  /** What has come of a frame that is not whole. */
  #rest = new Uint8Array(headBytes + maxFrameBytes);
  #length = 0;

  /**
   * The frames that are whole now; their payloads are read before the next chunk is.
   *
   * @throws {ProtocolError}
   */
  *read(chunk: Uint8Array): Generator<Frame> {
    for (let at = 0; at < chunk.byteLength;) {
      if (this.#length === 0) {
        const whole = chunk.subarray(at, at + wholeLength(chunk.subarray(at)));
        if (whole.byteLength >= headBytes && whole.byteLength === wholeLength(whole)) {
          at += whole.byteLength;
          yield frameOf(whole);
          continue;
        }
      }
      // First the head, which says how long the rest is.
      const wanted = this.#length < headBytes ? headBytes : wholeLength(this.#begun());
      const part = chunk.subarray(at, at + wanted - this.#length);
      this.#rest.set(part, this.#length);
      this.#length += part.byteLength;
      at += part.byteLength;
      const begun = this.#begun();
      if (begun.byteLength < headBytes || begun.byteLength < wholeLength(begun)) continue;
      this.#length = 0;
      // Whoever reads may keep parts of it.
      yield frameOf(begun.slice());
    }
  }

  #begun(): Uint8Array {
    return this.#rest.subarray(0, this.#length);
  }
}

/** How long a frame is that begins with these bytes; where they are too few, as long as its head. */
function wholeLength(bytes: Uint8Array): number {
  if (bytes.byteLength < headBytes) return headBytes;
  const length = numberAt(bytes, 0) >>> 8;
  if (length > maxFrameBytes) throw new ProtocolError(`a frame has ${length} bytes`);
  return headBytes + length;
}

function frameOf(bytes: Uint8Array): Frame {
  return {
    type: bytes[3] ?? 0,
    flags: bytes[4] ?? 0,
    stream: numberAt(bytes, 5) & 0x7fff_ffff,
    payload: bytes.subarray(headBytes),
  };
}
