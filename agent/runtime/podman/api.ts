/**
 * Asking podman's API service: every question is logged at debug level as it is asked, so that an
 * operator can repeat it by hand, and what the service refuses becomes an error of our kinds.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { UnixHttp, UnixHttpAnswer, UnixHttpQuestion } from "../../../lib/system/unix_http.ts";
import { parseRefusal } from "./api_output.ts";
import { isAbsent, isUnknownImage, maxOutputBytes, quoteForReading } from "./cli.ts";

/** What is asked of the service. */
interface ApiQuestion {
  /** What this is for, e.g. "list the containers". */
  readonly what: string;
  readonly path: string;
  readonly signal: AbortSignal | undefined;
}

/** The service's socket, as it is needed here. */
export type PodmanSocket = Pick<UnixHttp, "socket" | "ask" | "follow">;

/** podman's API service. */
export class PodmanApi {
  readonly #http: PodmanSocket;
  readonly #timeoutMs: number;

  constructor(http: PodmanSocket, timeoutMs: number) {
    this.#http = http;
    this.#timeoutMs = timeoutMs;
  }

  /** Whatever the service answers. */
  async ask({ path, signal }: Omit<ApiQuestion, "what">): Promise<UnixHttpAnswer> {
    this.#log(path);
    return await this.#http.ask(this.#limited(path, signal));
  }

  /** What the service tells, which is never nothing at all. */
  async read({ what, ...question }: ApiQuestion): Promise<string> {
    return requireSomething(what, await this.ask(question));
  }

  /** What the service tells of several things; nothing in the place of those that are not there. */
  async find(
    what: string,
    paths: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<(string | undefined)[]> {
    const given = new AbortController();
    // By hand: a signal that lives as long as the agent would remember every one that hangs on it.
    const callOff = () => given.abort(signal?.reason);
    signal?.addEventListener("abort", callOff, { once: true });
    if (signal?.aborted) callOff();
    try {
      return await Promise.all(paths.map(async (path) => {
        const answer = await this.ask({ path, signal: given.signal });
        return isOfNothing(answer) ? undefined : requireSomething(what, answer);
      }));
    } finally {
      signal?.removeEventListener("abort", callOff);
      // One that fails fails all of them: nobody waits for the others.
      given.abort();
    }
  }

  /** Hands over the lines that the service goes on telling, until it ends or is called off. */
  async follow(question: ApiQuestion, onLine: (line: string) => void): Promise<void> {
    const { what, path, signal } = question;
    this.#log(path);
    requireTold(what, await this.#http.follow(this.#limited(path, signal), onLine));
  }

  #limited(path: string, signal: AbortSignal | undefined): UnixHttpQuestion {
    return { path, timeoutMs: this.#timeoutMs, maxAnswerBytes: maxOutputBytes, signal };
  }

  #log(path: string): void {
    const argv = ["curl", "--unix-socket", this.#http.socket, `http://podman${path}`];
    log.podman.debug("{argv}", { argv: argv.map(quoteForReading).join(" ") });
  }
}

/** Whether there is no such thing; a service that does not know the question says it otherwise. */
export function isOfNothing({ status, text }: UnixHttpAnswer): boolean {
  if (status !== 404) return false;
  const reason = parseRefusal(text);
  return isAbsent(reason) || isUnknownImage(reason);
}

/** What was told; a refusal in our kinds otherwise. */
export function requireTold(what: string, answer: UnixHttpAnswer): string {
  if (answer.status === 200) return answer.text;
  const reason = parseRefusal(answer.text);
  const cause = new Error(reason === "" ? `podman answered with status ${answer.status}` : reason);
  throw new McpError(isOfNothing(answer) ? "not_found" : "unavailable", `Cannot ${what}`, {
    cause,
  });
}

/** What was told. An empty answer does not mean that there is nothing: that is said as "[]". */
function requireSomething(what: string, answer: UnixHttpAnswer): string {
  const told = requireTold(what, answer);
  if (told.trim() !== "") return told;
  throw new McpError("unavailable", `Cannot ${what}`, {
    cause: new Error("podman answered nothing at all"),
  });
}
