/**
 * Questions by HTTPS, asked so that nothing but the one asked can answer or listen.
 *
 * The only code that opens an HTTPS connection. It follows no redirect, reads no
 * more than it was told to, and ends every question at its deadline. What an
 * answer means, and which error its absence becomes, is for those who ask.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { requireCertificates } from "../pem.ts";

/** Whom to trust and how long to wait. */
interface HttpOptions {
  /** PEM of the only CA to trust; the well-known roots when undefined. */
  readonly ca: string | undefined;
  /** What the CA is to the operator, e.g. "CA certificate of MCIAS". */
  readonly caName: string;
  readonly timeoutMs: number;
  /** A longer answer is none. */
  readonly maxAnswerBytes: number;
}

/** One question. */
export interface HttpQuestion {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

/** What came back, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * What an answer in JSON says.
 *
 * @param rule What answers follow, e.g. "the standard".
 * @param decode Undefined for what does not follow it.
 * @throws {Error} when it is another one; the message tells nothing of what it holds.
 */
export function decodeAnswer<Decoded>(
  { status, text }: HttpAnswer,
  rule: string,
  decode: (value: unknown) => Decoded | undefined,
): Decoded {
  if (status !== 200) throw new Error(`it answered with status ${status}`);
  const value = parseJson(text);
  if (value === undefined) throw new Error("its answer is not JSON");
  const decoded = decode(value);
  if (decoded === undefined) throw new Error(`its answer is not what ${rule} says`);
  return decoded;
}

/** The value, or undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The address when it is one that may be asked; `http:` and all else is not. */
export function parseHttpsUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url?.protocol === "https:" ? url : undefined;
}

/** Asks by HTTPS. */
export class HttpClient implements Disposable {
  readonly #timeoutMs: number;
  readonly #maxAnswerBytes: number;
  /** Trusts the one CA; undefined when the well-known roots are to be trusted. */
  readonly #agent: Agent | undefined;

  /** @throws {McpError} `invalid` when the CA is not PEM. */
  constructor({ ca, caName, timeoutMs, maxAnswerBytes }: HttpOptions) {
    this.#timeoutMs = timeoutMs;
    this.#maxAnswerBytes = maxAnswerBytes;
    // Questions are rare, and a kept connection may end in the moment it is used again.
    this.#agent = ca === undefined ? undefined : new Agent({
      ca: requireCertificates(caName, ca),
      keepAlive: false,
    });
  }

  /**
   * Asks, and gives up at the deadline.
   *
   * Redirects are answers like any other: what a question carries goes where the
   * operator said and nowhere else.
   *
   * @throws {Error} when there is no answer; the message tells nothing that was sent.
   */
  async ask(url: URL, question: HttpQuestion): Promise<HttpAnswer> {
    if (url.protocol !== "https:") throw new Error("its address does not begin with https://");
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const signal = question.signal === undefined
      ? deadline
      : AbortSignal.any([deadline, question.signal]);
    try {
      return await this.#send(url, question, signal);
    } catch (error) {
      if (deadline.aborted) throw new Error(`no answer within ${this.#timeoutMs / 1000} s`);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#agent?.destroy();
  }

  /**
   * Asks by `node:https` where there is one CA to trust: a CA given to `fetch` is
   * trusted *besides* the well-known roots, any of which could then vouch for
   * another server. Asks by `fetch` where there is none: under Deno, `node:https`
   * reads the well-known roots only with the permission for all of `sys`.
   */
  async #send(url: URL, question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, headers = {}, body } = question;
    if (this.#agent === undefined) {
      const init = { method, redirect: "manual", headers, body: body ?? null, signal } as const;
      const response = await fetch(url, init);
      return { status: response.status, text: await this.#textOf(response.body ?? []) };
    }
    const request = httpsRequest(url, { method, agent: this.#agent, headers, signal });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on("response", resolve).on("error", reject).end(body);
    });
    return { status: response.statusCode ?? 0, text: await this.#textOf(response) };
  }

  async #textOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > this.#maxAnswerBytes) {
        throw new Error(`its answer is over ${this.#maxAnswerBytes} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}
