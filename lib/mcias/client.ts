/**
 * Talks to MCIAS, the platform's identity service: the only code that knows its HTTP.
 *
 *     POST /v1/auth/login      {username, password, totp_code?, service_name?} → {token, expires_at}
 *     POST /v1/auth/renew      bearer → {token, expires_at}; the old token ends
 *     POST /v1/auth/logout     bearer; the token ends
 *     POST /v1/token/validate  bearer → {valid, subject, roles[], expires_at}
 *     GET  /v1/health
 *
 * Every answer is decoded before it is believed. No token and no password ever
 * reaches a message of an error.
 *
 * @module
 */

import * as z from "zod";
import { McpError } from "../errors.ts";
import { decodeAnswer, type HttpAnswer, HttpClient, parseHttpsUrl } from "../http/client.ts";

/** Where MCIAS is and how it is trusted. */
interface MciasOptions {
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

/** What a header can hold, and one line of the file that keeps it. */
const tokenPattern = /^[\x21-\x7e]+$/;
const issuedToken = z.object({
  token: z.string().regex(tokenPattern),
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

/** A connection to one MCIAS. */
export class MciasClient implements Disposable {
  readonly #serverUrl: URL;
  readonly #http: HttpClient;

  /** @throws {McpError} `invalid` when the address is no HTTPS address or the CA is not PEM. */
  constructor({ serverUrl, ca, timeoutMs }: MciasOptions) {
    const url = parseHttpsUrl(serverUrl);
    if (url === undefined) {
      throw new McpError("invalid", `Cannot ask MCIAS at ${JSON.stringify(serverUrl)}`, {
        cause: new Error('its address is not like "https://mcias.example:8443"'),
      });
    }
    this.#serverUrl = url;
    this.#http = new HttpClient({
      ca,
      caName: "CA certificate of MCIAS",
      timeoutMs,
      maxAnswerBytes,
    });
  }

  /**
   * Trades a password for a token.
   *
   * @throws {McpError} `unauthenticated` when MCIAS refuses, `unavailable` when it cannot be asked.
   */
  async login(credentials: Credentials, signal?: AbortSignal): Promise<IssuedToken> {
    const body = {
      username: credentials.username,
      password: credentials.password,
      service_name: credentials.serviceName,
      ...(credentials.totpCode === undefined ? {} : { totp_code: credentials.totpCode }),
    };
    const answer = await this.#ask("log in at", "/v1/auth/login", { body, signal });
    if (isRefusal(answer)) {
      throw new McpError("unauthenticated", `Cannot log in as ${JSON.stringify(body.username)}`, {
        cause: new Error("MCIAS does not accept the user name, the password or the code"),
      });
    }
    return this.#issued("log in at", answer);
  }

  /**
   * Trades a token that is still valid for one that lives longer; the old one ends with that.
   *
   * @throws {McpError} `unauthenticated` when MCIAS refuses, `unavailable` when it cannot be asked.
   */
  async renew(token: string, signal?: AbortSignal): Promise<IssuedToken> {
    const verb = "renew a token at";
    const refused = () =>
      new McpError("unauthenticated", "Cannot renew the token", {
        cause: new Error("MCIAS does not accept it"),
        hint: "Run `mcp login`",
      });
    if (!tokenPattern.test(token)) throw refused();
    const answer = await this.#ask(verb, "/v1/auth/renew", { bearer: token, signal });
    if (isRefusal(answer)) throw refused();
    return this.#issued(verb, answer);
  }

  /**
   * Ends a token before its time.
   *
   * @returns Whether it was still valid; one that had ended is an answer, not an error.
   * @throws {McpError} `unavailable` when MCIAS cannot be asked.
   */
  async logout(token: string, signal?: AbortSignal): Promise<boolean> {
    if (!tokenPattern.test(token)) return false;
    const verb = "log out at";
    const answer = await this.#ask(verb, "/v1/auth/logout", { bearer: token, signal });
    if (answer.status === 401) return false;
    if (answer.status === 200 || answer.status === 204) return true;
    throw this.#refusal(verb, new Error(`it answered with status ${answer.status}`));
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

  /**
   * Asks whether MCIAS is well. Its status says so; what else it tells is nobody's contract.
   *
   * @throws {McpError} `unavailable` when it is not, or cannot be asked.
   */
  async health(signal?: AbortSignal): Promise<void> {
    const verb = "ask for the health of";
    const answer = await this.#ask(verb, "/v1/health", { method: "GET", signal });
    if (answer.status !== 200) {
      throw this.#refusal(verb, new Error(`it answered with status ${answer.status}`));
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #ask(
    verb: string,
    path: string,
    { method = "POST", body, bearer, signal }: Question,
  ): Promise<HttpAnswer> {
    try {
      return await this.#http.ask(new URL(path, this.#serverUrl), {
        method,
        headers: {
          ...(method === "GET" ? {} : { "content-type": "application/json" }),
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
        ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
        signal,
      });
    } catch (error) {
      throw this.#refusal(verb, error);
    }
  }

  #refusal(verb: string, cause: unknown): McpError {
    return new McpError("unavailable", `Cannot ${verb} MCIAS (${this.#serverUrl.origin})`, {
      cause,
    });
  }

  #issued(verb: string, answer: HttpAnswer): IssuedToken {
    const { token, expires_at } = this.#decode(issuedToken, verb, answer);
    return { token, expiresAt: new Date(expires_at) };
  }

  #decode<Schema extends z.ZodType>(
    schema: Schema,
    verb: string,
    answer: HttpAnswer,
  ): z.output<Schema> {
    try {
      return decodeAnswer(answer, "its contract", (value) => schema.safeParse(value).data);
    } catch (error) {
      throw this.#refusal(verb, error);
    }
  }
}

interface Question {
  readonly method?: "GET" | "POST";
  readonly body?: Record<string, string>;
  readonly bearer?: string;
  readonly signal?: AbortSignal | undefined;
}

function isRefusal({ status }: HttpAnswer): boolean {
  return status === 401 || status === 403;
}
