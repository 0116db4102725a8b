/**
 * Talks to MCIAS, the platform's identity service: the only code that knows its HTTP.
 *
 *     POST /v1/auth/login      {username, password, totp_code?, service_name?} → {token, expires_at}
 *     POST /v1/auth/renew      bearer → {token, expires_at}
 *     POST /v1/auth/logout     bearer
 *     POST /v1/token/validate  bearer → {valid, subject, roles[], expires_at}
 *     GET  /v1/health
 *
 * Every answer is decoded before it is believed. No token and no password ever
 * reaches a message of an error.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { z } from "zod";
import { McpError } from "../errors.ts";
import { requireCertificates } from "../pem.ts";

/** Where MCIAS is and how it is trusted. */
export interface MciasOptions {
  /** E.g. "https://mcias.example:8443". */
  readonly serverUrl: string;
  /** PEM of the only CA to trust; the well-known roots when undefined. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
}

/** What a login trades for a token. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly totpCode: string | undefined;
  readonly serviceName: string;
}

/** A token and when it ends. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/** What MCIAS says about a token. */
export interface TokenReport {
  readonly valid: boolean;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly expiresAt: Date | undefined;
}

const issuedToken = z.object({
  token: z.string().min(1),
  expires_at: z.iso.datetime({ offset: true }),
});
const tokenReport = z.object({
  valid: z.boolean(),
  subject: z.string().default(""),
  roles: z.array(z.string()).default([]),
  expires_at: z.iso.datetime({ offset: true }).optional(),
});

/** More than any answer of the contract; what is longer is not from MCIAS. */
const maxAnswerBytes = 64 * 1024;
/** What a header can hold. */
const tokenPattern = /^[\x21-\x7e]+$/;

/** A connection to one MCIAS. */
export class MciasClient implements Disposable {
  readonly #serverUrl: URL;
  readonly #timeoutMs: number;
  /** Trusts the one CA; undefined when the well-known roots are to be trusted. */
  readonly #agent: Agent | undefined;

  /** @throws {McpError} `invalid` when the address is no HTTPS address or the CA is not PEM. */
  constructor({ serverUrl, ca, timeoutMs }: MciasOptions) {
    const url = URL.parse(serverUrl);
    if (url?.protocol !== "https:") {
      throw new McpError("invalid", `Cannot ask MCIAS at ${JSON.stringify(serverUrl)}`, {
        cause: new Error('its address is not like "https://mcias.example:8443"'),
      });
    }
    this.#serverUrl = url;
    this.#timeoutMs = timeoutMs;
    // Questions are rare, and a kept connection may end in the moment it is used again.
    this.#agent = ca === undefined ? undefined : new Agent({
      ca: requireCertificates("CA certificate of MCIAS", ca),
      keepAlive: false,
    });
  }

  /**
   * Trades a password for a token.
   *
   * @throws {McpError} `unauthenticated` when MCIAS refuses, `unavailable` when it cannot be asked.
   */
  async login(credentials: Credentials): Promise<IssuedToken> {
    const body = {
      username: credentials.username,
      password: credentials.password,
      service_name: credentials.serviceName,
      ...(credentials.totpCode === undefined ? {} : { totp_code: credentials.totpCode }),
    };
    const answer = await this.#ask("log in at", "/v1/auth/login", { body });
    if (answer.status === 401 || answer.status === 403) {
      throw new McpError("unauthenticated", `Cannot log in as ${JSON.stringify(body.username)}`, {
        cause: new Error("MCIAS does not accept the user name, the password or the code"),
      });
    }
    const { token, expires_at } = this.#decode(issuedToken, "log in at", answer);
    return { token, expiresAt: new Date(expires_at) };
  }

  /** Asks who holds a token. A token that is not valid is an answer, not an error. */
  async validate(token: string, signal?: AbortSignal): Promise<TokenReport> {
    const notValid = { valid: false, subject: "", roles: [], expiresAt: undefined };
    // Nobody issued what no header can hold; the error of trying would spell it out.
    if (!tokenPattern.test(token)) return notValid;
    const answer = await this.#ask("validate a token at", "/v1/token/validate", {
      bearer: token,
      signal,
    });
    if (answer.status === 401) return notValid;
    const report = this.#decode(tokenReport, "validate a token at", answer);
    return {
      valid: report.valid,
      subject: report.subject,
      roles: report.roles,
      expiresAt: report.expires_at === undefined ? undefined : new Date(report.expires_at),
    };
  }

  [Symbol.dispose](): void {
    this.#agent?.destroy();
  }

  async #ask(verb: string, path: string, question: Question): Promise<Answer> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const signal = question.signal === undefined
      ? deadline
      : AbortSignal.any([deadline, question.signal]);
    try {
      return await this.#post(path, question, signal);
    } catch (error) {
      const cause = deadline.aborted
        ? new Error(`no answer within ${this.#timeoutMs / 1000} s`)
        : error;
      throw this.#refusal(verb, { cause });
    }
  }

  /**
   * Asks by `node:https` where there is one CA to trust: a CA given to `fetch` is
   * trusted *besides* the well-known roots, any of which could then vouch for an
   * MCIAS. Asks by `fetch` where there is none: under Deno, `node:https` reads the
   * well-known roots only with the permission for all of `sys`.
   *
   * Redirects are not followed: a token goes where the operator said and nowhere else.
   */
  async #post(path: string, { body, bearer }: Question, signal: AbortSignal): Promise<Answer> {
    const url = new URL(path, this.#serverUrl);
    const text = JSON.stringify(body ?? {});
    const headers = {
      "content-type": "application/json",
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    };
    if (this.#agent === undefined) {
      const request = { method: "POST", redirect: "manual", headers, body: text, signal } as const;
      const response = await fetch(url, request);
      return { status: response.status, text: await textOf(response.body ?? []) };
    }
    const request = httpsRequest(url, { method: "POST", agent: this.#agent, headers, signal });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on("response", resolve).on("error", reject).end(text);
    });
    return { status: response.statusCode ?? 0, text: await textOf(response) };
  }

  #refusal(verb: string, { cause }: { readonly cause: unknown }): McpError {
    return new McpError("unavailable", `Cannot ${verb} MCIAS (${this.#serverUrl.origin})`, {
      cause,
    });
  }

  #decode<Schema extends z.ZodType>(
    schema: Schema,
    verb: string,
    answer: Answer,
  ): z.output<Schema> {
    const refuse = (what: string) => this.#refusal(verb, { cause: new Error(what) });
    if (answer.status !== 200) throw refuse(`it answered with status ${answer.status}`);
    let value: unknown;
    try {
      value = JSON.parse(answer.text);
    } catch {
      throw refuse("its answer is not JSON");
    }
    const decoded = schema.safeParse(value);
    if (!decoded.success) throw refuse("its answer is not what its contract says");
    return decoded.data;
  }
}

interface Question {
  readonly body?: Record<string, string>;
  readonly bearer?: string;
  readonly signal?: AbortSignal | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function textOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxAnswerBytes) throw new Error(`its answer is over ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
