/**
 * A service on a unix socket that answers as told, down to the bytes.
 *
 * @module
 */

import { ThrowAwayFolder } from "./throw_away_folder.ts";

/** What is done with one question. The connection is closed when this has ended. */
export type Answer = (
  path: string,
  connection: {
    /** Sends as it is. */
    say(bytes: string): Promise<void>;
    /** Ends when who asked has hung up, or the service ends. */
    hangs(): Promise<void>;
  },
) => Promise<void>;

/** Head and body of an answer. */
export function reply(text: string, status = 200): string {
  const length = new TextEncoder().encode(text).byteLength;
  return `HTTP/1.1 ${status} Status\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${length}\r\n\r\n${text}`;
}

/** Listens as long as it lives. */
export class UnixService implements AsyncDisposable {
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** Questions that are under way, and the most there ever were. */
  readonly open = { now: 0, most: 0 };
  readonly #folder: ThrowAwayFolder;
  #listener: Deno.UnixListener;
  #isListening = true;
  #serving: Promise<void>;
  readonly #connections = new Set<Deno.UnixConn>();
  #answer: Answer;

  private constructor(folder: ThrowAwayFolder, answer: Answer) {
    this.#folder = folder;
    this.#answer = answer;
    this.#listener = Deno.listen({ transport: "unix", path: this.socket });
    this.#serving = this.#serve();
  }

  static async start(answer: Answer): Promise<UnixService> {
    return new UnixService(await ThrowAwayFolder.make(), answer);
  }

  /** Path of its socket. */
  get socket(): string {
    return this.#folder.at("service.sock");
  }

  /** Answers like this from here on. */
  set answer(answer: Answer) {
    this.#answer = answer;
  }

  /** Ends it as a kill does: the socket's file stays, and nobody listens. */
  async kill(): Promise<void> {
    this.#isListening = false;
    this.#listener.close();
    for (const connection of this.#connections) this.#hangUp(connection);
    await this.#serving;
  }

  /** Starts it again on the same socket. */
  async startAgain(): Promise<void> {
    await Deno.remove(this.socket).catch(() => {});
    this.#listener = Deno.listen({ transport: "unix", path: this.socket });
    this.#isListening = true;
    this.#serving = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isListening) await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #serve(): Promise<void> {
    const talks: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) talks.push(this.#talk(connection));
    } catch {
      // It listens no more.
    }
    await Promise.all(talks);
  }

  async #talk(connection: Deno.UnixConn): Promise<void> {
    this.#connections.add(connection);
    this.open.most = Math.max(this.open.most, ++this.open.now);
    const bytes = new Uint8Array(64 * 1024);
    try {
      const read = await connection.read(bytes);
      if (read === null) return;
      const [, path = ""] = new TextDecoder().decode(bytes.subarray(0, read)).split(" ");
      this.asked.push(path);
      await this.#answer(path, {
        say: async (text) => {
          const all = new TextEncoder().encode(text);
          for (let at = 0; at < all.byteLength;) at += await connection.write(all.subarray(at));
        },
        hangs: async () => {
          while (await connection.read(bytes) !== null);
        },
      });
    } catch {
      // Who asked has hung up: that may be what is tried.
    } finally {
      this.open.now--;
      this.#connections.delete(connection);
      this.#hangUp(connection);
    }
  }

  #hangUp(connection: Deno.UnixConn): void {
    try {
      connection.close();
    } catch {
      // It is closed.
    }
  }
}
