/**
 * The HTTP/2 connection of a client to one node: made when it is first needed, and again when it is gone.
 *
 * @module
 */

import type { NodeAddress } from "./address.ts";
import { H2Session, type H2Stream, type StreamEvents } from "./h2_session.ts";
import { dial, sentName, type Trust } from "./trust.ts";

/** A connection could not be made. */
export class DialError extends Error {
  override readonly name = "DialError";
}

/** The connection to a node, whether it is there at the moment or not. */
export class Connection {
  readonly #address: NodeAddress;
  readonly #trust: Trust;
  #session: Promise<H2Session> | undefined;
  /** The session that was dialled before anybody had a call for it. */
  #dialled: Promise<H2Session> | undefined;
  #running = 0;
  #isClosed = false;

  constructor(address: NodeAddress, trust: Trust) {
    this.#address = address;
    this.#trust = trust;
  }

  /** Begins to connect, for a call that is about to come; when it fails, that call is told. */
  dial(): void {
    this.#dialled = this.#session = this.#open();
    this.#dialled.catch(() => {});
  }

  /**
   * Begins a call on the connection.
   *
   * @param events Told of it until it is over, or called off.
   * @throws {DialError} when there is no connection, and none can be made.
   */
  async begin(
    headers: readonly (readonly [string, string])[],
    body: Uint8Array,
    events: StreamEvents,
  ): Promise<H2Stream> {
    if (this.#isClosed) throw new DialError("the client was closed");
    const dialled = this.#dialled;
    this.#dialled = undefined;
    const session = await (dialled ?? (this.#session ??= this.#open()));
    this.#running++;
    return session.request(
      [
        [":method", "POST"],
        [":scheme", "https"],
        [":authority", sentName(this.#address.host)],
        ...headers,
      ],
      body,
      events,
    );
  }

  /** A call that had begun is over. */
  end(): void {
    if (--this.#running === 0 && this.#isClosed) this.#hangUp();
  }

  /** Lets no more calls begin, and hangs up when those under way have ended. */
  close(): void {
    this.#isClosed = true;
    if (this.#running === 0) this.#hangUp();
  }

  #hangUp(): void {
    // Whoever could not be dialled need not be left.
    this.#session?.then((session) => session.close(), () => {});
  }

  #open(): Promise<H2Session> {
    const opening = Promise.withResolvers<H2Session>();
    // The next call dials anew.
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
      socket.off("error", failed);
      socket.off("close", hungUp);
      if (socket.authorized && socket.alpnProtocol === "h2") {
        socket.setNoDelay(true);
        return opening.resolve(new H2Session(socket, forget));
      }
      socket.destroy();
      failed(new Error("whoever answers there does not speak HTTP/2"));
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
