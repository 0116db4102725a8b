/**
 * The HTTP/2 connection of a client to one node: made when it is first needed, and again when it is gone.
 *
 * @module
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { NodeAddress } from "./address.ts";
import { dial, sentName, type Trust } from "./trust.ts";
import { windowBytes } from "./window.ts";

/** While a call runs, the node is asked this often whether it is there, and given as long to answer. */
const keepaliveMs = 2_000;

/** A connection could not be made. */
export class DialError extends Error {
  override readonly name = "DialError";
}

/** The connection to a node, whether it is there at the moment or not. */
export class Connection {
  readonly #address: NodeAddress;
  readonly #trust: Trust;
  #session: Promise<ClientHttp2Session> | undefined;
  #calls = 0;
  #keepalive: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  constructor(address: NodeAddress, trust: Trust) {
    this.#address = address;
    this.#trust = trust;
  }

  /**
   * Begins a call on the connection.
   *
   * @throws {DialError} when there is no connection, and none can be made.
   */
  async begin(headers: OutgoingHttpHeaders, body: Uint8Array): Promise<ClientHttp2Stream> {
    if (this.#isClosed) throw new DialError("the client was closed");
    const session = await (this.#session ??= this.#open());
    const stream = session.request({
      ":scheme": "https",
      ":authority": sentName(this.#address.host),
      ...headers,
    });
    this.#calls++;
    this.#keepalive ??= setInterval(() => this.#ask(session), keepaliveMs);
    stream.once("close", () => {
      if (--this.#calls === 0) this.#rest();
      if (this.#isClosed && this.#calls === 0) session.destroy();
    });
    stream.end(body);
    return stream;
  }

  /** Lets no more calls begin, and hangs up when those under way have ended. */
  close(): void {
    this.#isClosed = true;
    if (this.#calls > 0) return;
    // Whoever is still dialling hangs up at once.
    this.#session?.then((session) => session.destroy(), () => {});
  }

  #rest(): void {
    clearInterval(this.#keepalive);
    this.#keepalive = undefined;
  }

  /** A link that is cut says nothing: without an answer the connection is given up. */
  #ask(session: ClientHttp2Session): void {
    if (session.destroyed) return;
    const late = setTimeout(() => session.destroy(), keepaliveMs);
    try {
      session.ping(() => clearTimeout(late));
    } catch {
      // It ends at this moment, and says so by itself.
      clearTimeout(late);
    }
  }

  #open(): Promise<ClientHttp2Session> {
    const opening = Promise.withResolvers<ClientHttp2Session>();
    const forget = () => {
      if (this.#session === opening.promise) this.#session = undefined;
    };
    const socket = dial(this.#address, this.#trust);
    const failed = (error: Error) => {
      forget();
      opening.reject(new DialError(sentenceOf(error), { cause: error }));
    };
    const hungUp = () => failed(new Error("the other side hung up"));
    socket.once("error", failed);
    socket.once("close", hungUp);
    socket.once("secureConnect", () => {
      socket.off("close", hungUp);
      if (!socket.authorized || socket.alpnProtocol !== "h2") {
        socket.destroy();
        return failed(new Error("whoever answers there does not speak HTTP/2"));
      }
      const session = connectHttp2(`https://${sentName(this.#address.host)}`, {
        createConnection: () => socket,
        settings: { initialWindowSize: windowBytes, enablePush: false },
      });
      session.once("connect", () => session.setLocalWindowSize(windowBytes));
      // Calls that run tell what became of them; the next one dials anew.
      session.on("error", forget);
      session.once("goaway", forget);
      session.once("close", () => {
        forget();
        socket.destroy();
      });
      opening.resolve(session);
    });
    return opening.promise;
  }
}

/** The names of failures to connect that people know by a sentence. */
const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
};

function sentenceOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (/^E(?:AI_|NOTFOUND)/.test(code)) return `Name resolution failed: ${error.message}`;
  return sentences[code] ?? (error.message || code);
}

/** How a call is called off. */
export function callOff(stream: ClientHttp2Stream): void {
  stream.close(constants.NGHTTP2_CANCEL);
}
