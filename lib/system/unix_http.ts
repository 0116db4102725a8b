/**
 * Questions by HTTP to a service of this machine that listens on a unix socket.
 *
 * Every question has a connection of its own. To open one costs a tenth of a millisecond, and one
 * that is kept may end in the very moment it is used again; under Deno 2.9 one that is used again
 * does not keep the process alive either, and does not say that it was used before.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { IncomingMessage, request as httpRequest } from "node:http";
import { McpError } from "../errors.ts";
import { longestTimerMs, realClock } from "./clock.ts";
import { Lines } from "./lines.ts";
import { Semaphore } from "./semaphore.ts";

/** One question, a GET. */
export interface UnixHttpQuestion {
  /** With its query, e.g. "/version?all=true". */
  readonly path: string;
  /** The whole answer is there by then, or there is none. */
  readonly timeoutMs: number;
  /** A longer answer is none. */
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came back, whatever its status. */
export interface UnixHttpAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/**
 * Waits before a question is asked again that was not heard, or hung up on: in so long a service is
 * started anew. To ask twice changes nothing.
 */
const patienceMs = [50, 100, 200, 400];

/** Further questions wait, within their deadlines: the service is to answer others as well. */
const askedAtOnce = 8;

/** Asks a service on a unix socket. */
export class UnixHttp {
  readonly #room = new Semaphore(askedAtOnce);

  /** @param socket Path of the socket. */
  constructor(readonly socket: string) {}

  /**
   * Asks, and gives up at the deadline.
   *
   * @throws {McpError} `unavailable` when there is no whole answer in time.
   */
  async ask(question: UnixHttpQuestion): Promise<UnixHttpAnswer> {
    using limit = new Limit(this.#name(question), question);
    return await patiently(
      limit,
      async () => {
        await this.#room.acquire();
        try {
          return await wholeOf(
            await this.#send(question.path, limit.signal),
            question.maxAnswerBytes,
          );
        } finally {
          this.#room.release();
        }
      },
    );
  }

  /**
   * Asks for an answer that need not end. Of one with status 200 each line is handed over as it
   * comes, and its text is empty; the deadline is that of its beginning. However it ends, it has
   * ended. Any other answer is given as {@link ask} gives it.
   *
   * @throws {McpError} `unavailable` when no answer begins in time.
   */
  async follow(
    question: UnixHttpQuestion,
    onLine: (line: string) => void,
  ): Promise<UnixHttpAnswer> {
    using limit = new Limit(this.#name(question), question);
    // It holds no place: that would be for as long as it lasts.
    const begun = await patiently(limit, async () => {
      const response = await this.#send(question.path, limit.signal);
      return response.statusCode === 200
        ? response
        : await wholeOf(response, question.maxAnswerBytes);
    });
    if (!(begun instanceof IncomingMessage)) return begun;
    limit.lift();
    const lines = new Lines();
    const pieces = begun[Symbol.asyncIterator]();
    for (;;) {
      const piece = await pieces.next().catch(() => undefined);
      if (piece === undefined || piece.done) {
        return { status: 200, headers: begun.headers, text: "" };
      }
      for (const line of lines.take(piece.value)) onLine(line);
    }
  }

  #name({ path }: UnixHttpQuestion): string {
    return `ask ${this.socket} for ${path.split("?", 1)[0]}`;
  }

  #send(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const request = httpRequest({ socketPath: this.socket, path, agent: false });
      signal.addEventListener("abort", () => {
        reject(signal.reason);
        request.destroy();
      }, { once: true });
      request
        .on("response", resolve)
        .on("error", reject)
        // What is no answer, as to go on by another protocol, ends without an error.
        .on("close", () => reject(new Error("it hung up without an answer")))
        .end();
    });
  }
}

async function wholeOf(response: IncomingMessage, maxBytes: number): Promise<UnixHttpAnswer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw new Error(`its answer is over ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(pieces).toString("utf8"),
  };
}

/** Does what may be done again, until it is done or there is no more patience. */
async function patiently<T>(limit: Limit, work: () => Promise<T>): Promise<T> {
  for (let again = 0;; again++) {
    try {
      return await Promise.race([limit.reached, work()]);
    } catch (error) {
      const waitMs = patienceMs[again];
      if (limit.signal.aborted || waitMs === undefined || !isOfRestart(error)) {
        throw limit.reasonOf(error);
      }
      limit.lastFailure = error;
      await realClock.sleep(waitMs, limit.signal);
    }
  }
}

/** Whether this is what a service does, or its socket, that is started anew. */
function isOfRestart(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return ["ECONNRESET", "EPIPE", "ECONNREFUSED", "ENOENT"].some((each) => each === code);
}

/** What ends a question before its answer does; disposing of it ends the question as well. */
class Limit implements Disposable {
  /** What went wrong so far. */
  lastFailure: unknown;
  readonly #what: string;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #deadline: ReturnType<typeof setTimeout>;

  constructor(what: string, { timeoutMs, signal }: UnixHttpQuestion) {
    this.#what = what;
    this.#outer = signal;
    this.#deadline = setTimeout(
      () => this.#giveUp(`no answer within ${timeoutMs / 1000} s`, true, this.lastFailure),
      Math.min(timeoutMs, longestTimerMs),
    );
    signal?.addEventListener("abort", this.#callOff, { once: true });
    if (signal?.aborted) this.#callOff();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects when it is. */
  get reached(): Promise<never> {
    const { signal } = this;
    return new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** From here on there is no deadline. */
  lift(): void {
    clearTimeout(this.#deadline);
  }

  /** Why a question has failed. What ends it makes its connection fail as well: the first counts. */
  reasonOf(error: unknown): McpError {
    if (this.signal.aborted) return this.signal.reason;
    return new McpError("unavailable", `Cannot ${this.#what}`, { cause: error });
  }

  [Symbol.dispose](): void {
    this.lift();
    this.#outer?.removeEventListener("abort", this.#callOff);
    this.#controller.abort();
  }

  readonly #callOff = () => this.#giveUp("it was called off", false, this.#outer?.reason);

  #giveUp(why: string, isTimeout: boolean, cause: unknown): void {
    this.#controller.abort(
      new McpError("unavailable", `Cannot ${this.#what}: ${why}`, { isTimeout, cause }),
    );
  }
}
