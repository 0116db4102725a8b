/**
 * A client's side of HTTP/2 (RFC 9113) over a connection that is there, as far as gRPC needs it.
 *
 * Our own, and not Deno's: loading that takes a fifth of what a whole command takes, and in 2.9.6 it
 * may read freed memory when the other side says goodbye (denoland/deno#36788). It knows no server's
 * side, no push, no priorities, and no table of headers. Whatever the other side does, it keeps no more
 * than a window of each call and one block of headers.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import {
  contentOf,
  errorCode,
  flag,
  type Frame,
  frame,
  frameBytes,
  FrameReader,
  initialWindowBytes,
  maxFrameBytes,
  numberAt,
  numbers,
  ProtocolError,
} from "./frames.ts";
import { HeaderError, type Headers, readHeaders, writeHeaders } from "./header_block.ts";
import { windowBytes } from "./window.ts";

/** What a call hears of its stream. */
export interface StreamEvents {
  /** Also trailers; where the answer ends with them, `onEnd` comes next. */
  onHeaders(headers: Headers): void;
  /** Bytes count against the window until they are said to be read. */
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  /** The other side has ended it, with this code. */
  onReset(code: number): void;
  /** The connection is gone. */
  onLost(why: string): void;
}

/** One call. */
export interface H2Stream {
  /** So many bytes were read: as many more may come. */
  read(byteLength: number): void;
  /** Nobody waits for it any more. */
  cancel(): void;
}

const preface = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const setting = {
  tableSize: 0x1,
  push: 0x2,
  window: 0x4,
  frameSize: 0x5,
  headersSize: 0x6,
} as const;
/** More than an agent ever sends of a status, with all its details. */
const maxHeaderBytes = 64 * 1024;
const maxWindowBytes = 2 ** 31 - 1;
/** Answers to what the other side asks, which it does not read. */
const maxUnsentBytes = 16 * 1024 * 1024;
/** While a call runs, the other side is asked this often whether it is there, and given as long. */
const keepaliveMs = 2_000;
/** Data of a call is handed to the connection so much at a time. */
const burstBytes = 256 * 1024;

interface Call {
  readonly id: number;
  readonly events: StreamEvents;
  /** What is still to be sent. */
  unsent: Uint8Array;
  sendWindow: number;
  /** How much may come. */
  receiveWindow: number;
  /** Read, and not told yet. */
  read: number;
}

/** Headers that come in several frames. */
interface Block {
  /** The one that they begin with. */
  readonly frame: Frame;
  readonly parts: Uint8Array[];
  bytes: number;
}

/** The connection, once it is there. */
export class H2Session {
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  readonly #calls = new Map<number, Call>();
  readonly #onGone: () => void;
  #lastId = -1;
  #sendWindow = initialWindowBytes;
  #receiveWindow = initialWindowBytes;
  #initialSendWindow = initialWindowBytes;
  #sendFrameBytes = maxFrameBytes;
  /** The block of headers that is not whole yet. */
  #block: Block | undefined;
  #out: Uint8Array[] = [];
  #isOver = false;
  #isLeaving = false;
  #keepalive: ReturnType<typeof setInterval> | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  /** @param onGone Called once when no more calls can begin. */
  constructor(socket: Duplex, onGone: () => void) {
    this.#socket = socket;
    this.#onGone = onGone;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("error", (error: Error) => this.#lose(error.message));
    socket.on("close", () => this.#lose("the other side hung up"));
    // What waits here could not be sent before.
    socket.on("drain", () => this.#sendBodies());
    const settings = new Uint8Array(24);
    const view = new DataView(settings.buffer);
    [
      [setting.tableSize, 0],
      [setting.push, 0],
      [setting.window, windowBytes],
      [setting.headersSize, maxHeaderBytes],
    ].forEach(([name = 0, value = 0], at) => {
      view.setUint16(at * 6, name);
      view.setUint32(at * 6 + 2, value);
    });
    this.#out.push(preface, frameBytes(frame.settings, 0, 0, settings));
    this.#widen(0, windowBytes - initialWindowBytes);
    this.#receiveWindow = windowBytes;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0;
  }

  /** Begins a call. */
  request(
    headers: Iterable<readonly [string, string]>,
    body: Uint8Array,
    events: StreamEvents,
  ): H2Stream {
    const id = this.#lastId += 2;
    const call: Call = {
      id,
      events,
      unsent: body,
      sendWindow: this.#initialSendWindow,
      receiveWindow: windowBytes,
      read: 0,
    };
    if (this.#isOver) {
      events.onLost("the connection has ended");
    } else {
      this.#calls.set(id, call);
      const block = writeHeaders(headers);
      for (let at = 0; at === 0 || at < block.byteLength; at += maxFrameBytes) {
        const isLast = at + maxFrameBytes >= block.byteLength;
        const part = block.subarray(at, at + maxFrameBytes);
        const type = at === 0 ? frame.headers : frame.continuation;
        this.#send(type, isLast ? flag.endHeaders : 0, id, part);
      }
      this.#sendBodies();
      this.#keepalive ??= setInterval(() => this.#ask(), keepaliveMs);
    }
    return {
      read: (byteLength) => this.#wasRead(call, byteLength),
      cancel: () => this.#cancel(call, errorCode.cancel),
    };
  }

  /** Hangs up; calls that run are lost. */
  close(): void {
    this.#lose("the client hung up");
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      for (const received of this.#reader.read(chunk)) {
        this.#take(received);
        if (this.#isOver) return;
      }
      this.#flush();
    } catch (error) {
      if (!(error instanceof ProtocolError || error instanceof HeaderError)) throw error;
      this.#lose(`the other side does not keep to HTTP/2: ${error.message}`);
    }
  }

  #take(received: Frame): void {
    const { type, flags, stream, payload } = received;
    if ((this.#block !== undefined) !== (type === frame.continuation)) {
      throw new ProtocolError("headers are interrupted");
    }
    switch (type) {
      case frame.data:
        return this.#takeData(received);
      case frame.headers:
        return this.#takeHeaders({ frame: received, parts: [], bytes: 0 }, received);
      case frame.continuation:
        if (this.#block?.frame.stream !== stream) {
          throw new ProtocolError("headers are interrupted");
        }
        return this.#takeHeaders(this.#block, received);
      case frame.reset: {
        if (payload.byteLength !== 4) throw new ProtocolError("a frame has a wrong length");
        const call = this.#calls.get(stream);
        if (call === undefined) return;
        this.#forget(call);
        return call.events.onReset(numberAt(payload, 0));
      }
      case frame.settings:
        return this.#takeSettings(received);
      case frame.push:
        throw new ProtocolError("it pushes, which was forbidden");
      case frame.ping:
        if (payload.byteLength !== 8) throw new ProtocolError("a frame has a wrong length");
        if ((flags & flag.ack) === 0) return this.#send(frame.ping, flag.ack, 0, payload.slice());
        clearTimeout(this.#late);
        this.#late = undefined;
        return;
      case frame.goaway:
        return this.#takeGoaway(payload);
      case frame.window:
        return this.#takeWindow(received);
      default:
        // Priorities, and what there may be one day.
    }
  }

  #takeData(received: Frame): void {
    const { flags, stream, payload } = received;
    this.#receiveWindow -= payload.byteLength;
    if (this.#receiveWindow < 0) throw new ProtocolError("it sends more than it may");
    // What a call has not read is bounded by its own window.
    if (this.#receiveWindow < windowBytes / 2) {
      this.#widen(0, windowBytes - this.#receiveWindow);
      this.#receiveWindow = windowBytes;
    }
    const call = this.#calls.get(stream);
    if (call === undefined) {
      // It was called off, and the other side has not heard of it yet.
      if (stream === 0 || stream > this.#lastId) throw new ProtocolError("data of no call");
      return;
    }
    call.receiveWindow -= payload.byteLength;
    if (call.receiveWindow < 0) throw new ProtocolError("it sends more than it may");
    const content = contentOf(received);
    const padding = payload.byteLength - content.byteLength;
    if (padding > 0) this.#wasRead(call, padding);
    if (content.byteLength > 0) call.events.onData(content);
    if ((flags & flag.endStream) !== 0) this.#end(call);
  }

  #takeHeaders(block: Block, received: Frame): void {
    const part = received === block.frame ? contentOf(received) : received.payload;
    // An empty part costs as much as its head.
    block.bytes += part.byteLength + 9;
    if (block.bytes > maxHeaderBytes) throw new ProtocolError("its headers are too long");
    block.parts.push(part);
    const isWhole = (received.flags & flag.endHeaders) !== 0;
    this.#block = isWhole ? undefined : block;
    if (!isWhole) return;
    const { stream, flags } = block.frame;
    if (stream === 0 || stream > this.#lastId) throw new ProtocolError("headers of no call");
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    call.events.onHeaders(readHeaders(joined(block.parts)));
    if ((flags & flag.endStream) !== 0) this.#end(call);
  }

  #takeSettings({ flags, payload }: Frame): void {
    if ((flags & flag.ack) !== 0) return;
    if (payload.byteLength % 6 !== 0) throw new ProtocolError("a frame has a wrong length");
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    for (let at = 0; at < payload.byteLength; at += 6) {
      const value = view.getUint32(at + 2);
      switch (view.getUint16(at)) {
        case setting.window: {
          if (value > maxWindowBytes) throw new ProtocolError("a window is too large");
          const more = value - this.#initialSendWindow;
          this.#initialSendWindow = value;
          for (const call of this.#calls.values()) call.sendWindow += more;
          break;
        }
        case setting.frameSize:
          if (value < maxFrameBytes) throw new ProtocolError("frames are too small");
          this.#sendFrameBytes = Math.min(value, burstBytes);
          break;
        default:
          // Nothing else bounds what is sent here.
      }
    }
    this.#send(frame.settings, flag.ack, 0, new Uint8Array());
    this.#sendBodies();
  }

  #takeWindow({ stream, payload }: Frame): void {
    if (payload.byteLength !== 4) throw new ProtocolError("a frame has a wrong length");
    const more = numberAt(payload, 0) & maxWindowBytes;
    const call = this.#calls.get(stream);
    if (stream === 0) this.#sendWindow += more;
    else if (call !== undefined) call.sendWindow += more;
    if (Math.max(this.#sendWindow, call?.sendWindow ?? 0) > maxWindowBytes) {
      throw new ProtocolError("a window is too large");
    }
    this.#sendBodies();
  }

  #takeGoaway(payload: Uint8Array): void {
    if (payload.byteLength < 8) throw new ProtocolError("a frame has a wrong length");
    const last = numberAt(payload, 0) & maxWindowBytes;
    this.#leave();
    for (const call of [...this.#calls.values()]) {
      if (call.id <= last) continue;
      this.#forget(call);
      call.events.onReset(errorCode.refused);
    }
    if (this.isIdle) this.close();
  }

  /** Sends what the windows have room for, in the order the calls began. */
  #sendBodies(): void {
    for (const call of this.#calls.values()) {
      while (call.unsent.byteLength > 0) {
        const { byteLength } = call.unsent;
        const room = Math.min(byteLength, this.#sendWindow, call.sendWindow, this.#sendFrameBytes);
        // Until there is room again, it stays where it is.
        if (room <= 0 || this.#socket.writableNeedDrain) break;
        const isLast = room === byteLength;
        const part = call.unsent.subarray(0, room);
        this.#send(frame.data, isLast ? flag.endStream : 0, call.id, part);
        call.unsent = call.unsent.subarray(room);
        call.sendWindow -= room;
        this.#sendWindow -= room;
        if (this.#out.length * this.#sendFrameBytes >= burstBytes) this.#flush();
      }
    }
    this.#flush();
  }

  #wasRead(call: Call, byteLength: number): void {
    if (!this.#calls.has(call.id)) return;
    call.read += byteLength;
    if (call.read < windowBytes / 2) return;
    this.#widen(call.id, call.read);
    call.receiveWindow += call.read;
    call.read = 0;
    this.#flush();
  }

  #widen(stream: number, byteLength: number): void {
    this.#send(frame.window, 0, stream, numbers(byteLength));
  }

  #end(call: Call): void {
    // The other side does not care for the rest of what was asked.
    if (call.unsent.byteLength > 0) this.#send(frame.reset, 0, call.id, numbers(errorCode.cancel));
    this.#forget(call);
    call.events.onEnd();
  }

  #cancel(call: Call, code: number): void {
    if (!this.#calls.has(call.id)) return;
    this.#send(frame.reset, 0, call.id, numbers(code));
    this.#flush();
    this.#forget(call);
  }

  #forget(call: Call): void {
    this.#calls.delete(call.id);
    if (!this.isIdle) return;
    this.#rest();
    if (this.#isLeaving) this.close();
  }

  #rest(): void {
    clearInterval(this.#keepalive);
    clearTimeout(this.#late);
    this.#keepalive = this.#late = undefined;
  }

  /** A link that is cut says nothing: without an answer the connection is given up. */
  #ask(): void {
    this.#send(frame.ping, 0, 0, new Uint8Array(8));
    this.#flush();
    this.#late ??= setTimeout(() => this.#lose("it does not answer any more"), keepaliveMs);
  }

  #send(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.#out.push(frameBytes(type, flags, stream, payload));
  }

  #flush(): void {
    if (this.#isOver || this.#out.length === 0) return;
    const [only] = this.#out;
    const bytes = this.#out.length === 1 && only !== undefined ? only : joined(this.#out);
    this.#out = [];
    this.#socket.write(bytes);
    if (this.#socket.writableLength > maxUnsentBytes) this.#lose("it asks and does not read");
  }

  /** No more calls begin. */
  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#onGone();
  }

  #lose(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#rest();
    this.#leave();
    const lost = [...this.#calls.values()];
    this.#calls.clear();
    this.#socket.destroy();
    for (const { events } of lost) events.onLost(why);
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
