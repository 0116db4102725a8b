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

import { z } from "zod";
import { McpError } from "../errors.ts";

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

/** A connection to one MCIAS. */
export class MciasClient implements Disposable {
  readonly #options: MciasOptions;
  readonly #http: Deno.HttpClient;

  constructor(options: MciasOptions) {
    this.#options = options;
    this.#http = Deno.createHttpClient(options.ca === undefined ? {} : { caCerts: [options.ca] });
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
    const answer = await this.#ask("validate a token at", "/v1/token/validate", {
      bearer: token,
      signal,
    });
    if (answer.status === 401) {
      return { valid: false, subject: "", roles: [], expiresAt: undefined };
    }
    const report = this.#decode(tokenReport, "validate a token at", answer);
    return {
      valid: report.valid,
      subject: report.subject,
      roles: report.roles,
      expiresAt: report.expires_at === undefined ? undefined : new Date(report.expires_at),
    };
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  async #ask(
    verb: string,
    path: string,
    request: {
      readonly body?: Record<string, string>;
      readonly bearer?: string;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<{ readonly status: number; readonly text: string }> {
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      const response = await fetch(new URL(path, this.#options.serverUrl), {
        method: "POST",
        client: this.#http,
        redirect: "error",
        signal: request.signal === undefined
          ? deadline
          : AbortSignal.any([deadline, request.signal]),
        headers: {
          "content-type": "application/json",
          ...(request.bearer === undefined ? {} : { authorization: `Bearer ${request.bearer}` }),
        },
        body: JSON.stringify(request.body ?? {}),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw new McpError("unavailable", `Cannot ${verb} MCIAS (${this.#options.serverUrl})`, {
        cause: error,
      });
    }
  }

  #decode<Schema extends z.ZodType>(
    schema: Schema,
    verb: string,
    answer: { readonly status: number; readonly text: string },
  ): z.output<Schema> {
    const refuse = (what: string) =>
      new McpError("unavailable", `Cannot ${verb} MCIAS (${this.#options.serverUrl}): ${what}`);
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
