/**
 * Talks to an OpenID Connect provider: the only code that knows its HTTP.
 *
 *     GET  <issuer>/.well-known/openid-configuration     OpenID Connect Discovery 1.0
 *     GET  <jwks_uri> → {keys[]}                         RFC 7517
 *     POST <device_authorization_endpoint>               RFC 8628
 *     POST <token_endpoint>                              RFC 8628 and RFC 6749, refreshing
 *     POST <revocation_endpoint>                         RFC 7009
 *
 * The agent asks for keys only; what logs in and out is for the command line.
 * Every answer is decoded before it is believed. No token ever reaches a message
 * of an error, and no text of the provider but its code for a refusal.
 *
 * @module
 */

import * as z from "zod";
import { McpError } from "../errors.ts";
import {
  decodeAnswer,
  type HttpAnswer,
  HttpClient,
  type HttpQuestion,
  parseHttpsUrl,
  parseJson,
} from "../http/client.ts";
import { isIssuer, issuerRule } from "./issuer.ts";

/** Which provider, and how it is trusted. */
interface OidcOptions {
  /** As the provider writes it, to the letter. */
  readonly issuer: string;
  /** PEM of the only CA to trust; the well-known roots when undefined. */
  readonly ca: string | undefined;
  /** For each request. */
  readonly timeoutMs: number;
}

/** Where a provider does what. */
interface Discovered {
  readonly jwksUri: URL;
  readonly tokenEndpoint: URL | undefined;
  readonly deviceAuthorizationEndpoint: URL | undefined;
  readonly revocationEndpoint: URL | undefined;
}

/** Keys as the provider publishes them; what each of them is, is for who uses it. */
interface PublishedKeys {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** A login that waits for somebody to confirm it in a browser. */
export interface DeviceLogin {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same with the code in it. */
  readonly verificationUriComplete: string | undefined;
  readonly intervalMs: number;
  readonly lifetimeMs: number;
}

/** What a login or a refresh gives. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** How long the access token lives; undefined = the provider did not say. */
  readonly lifetimeMs: number | undefined;
}

/** How somebody who asks for tokens is known to the provider. */
interface TokenClient {
  readonly clientId: string;
  /** What the tokens are for, RFC 8707; undefined = the provider decides. */
  readonly resource: string | undefined;
}

/** More than any provider has to say; what is longer is not believed. */
const maxAnswerBytes = 256 * 1024;
/** As many are tried for a token that does not name its key. */
const maxKeys = 64;
/** RFC 8628, for a provider that does not say. */
const defaultIntervalSeconds = 5;

const httpsUrl = z.string().refine((text) => parseHttpsUrl(text) !== undefined);
/** What a header can hold, and one line of the file that keeps it. */
const token = z.string().regex(/^[\x21-\x7e]+$/);
/** What can be shown on a terminal as it is. */
const shownText = z.string().regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/).max(2_000);
const seconds = z.number().min(0).max(31_536_000);

const discoverySchema = z.object({
  issuer: z.string().max(2_000),
  jwks_uri: httpsUrl,
  token_endpoint: httpsUrl.optional(),
  device_authorization_endpoint: httpsUrl.optional(),
  revocation_endpoint: httpsUrl.optional(),
});
const keysSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(maxKeys) });
const deviceLoginSchema = z.object({
  device_code: token,
  user_code: shownText,
  verification_uri: shownText,
  verification_uri_complete: shownText.optional(),
  expires_in: seconds,
  interval: seconds.default(defaultIntervalSeconds),
});
const tokensSchema = z.object({
  access_token: token,
  id_token: token.optional(),
  refresh_token: token.optional(),
  expires_in: seconds.optional(),
});
const refusalSchema = z.object({ error: z.string().regex(/^[a-z_]{1,64}$/) });

/** A connection to one provider. */
export class OidcClient implements Disposable {
  readonly issuer: string;
  readonly #http: HttpClient;
  #discovered: Promise<Discovered> | undefined;

  /** @throws {McpError} `invalid` when the issuer cannot be one or the CA is not PEM. */
  constructor({ issuer, ca, timeoutMs }: OidcOptions) {
    if (!isIssuer(issuer)) {
      throw new McpError("invalid", `Cannot use ${JSON.stringify(issuer)} as an issuer`, {
        cause: new Error(`it is not ${issuerRule}`),
      });
    }
    this.issuer = issuer;
    this.#http = new HttpClient({
      ca,
      caName: "CA certificate of the OIDC provider",
      timeoutMs,
      maxAnswerBytes,
    });
  }

  /**
   * Asks the provider where it does what. A provider by another name is not
   * believed: its tokens would be another's.
   *
   * @throws {McpError} `unavailable`
   */
  async discover(): Promise<Discovered> {
    const verb = "discover";
    const url = new URL(`${this.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    const found = this.#decode(discoverySchema, verb, await this.#get(verb, url));
    if (found.issuer !== this.issuer) {
      throw this.#refusal(verb, new Error(`it calls itself ${JSON.stringify(found.issuer)}`));
    }
    const optional = (text: string | undefined) => text === undefined ? undefined : new URL(text);
    return {
      jwksUri: new URL(found.jwks_uri),
      tokenEndpoint: optional(found.token_endpoint),
      deviceAuthorizationEndpoint: optional(found.device_authorization_endpoint),
      revocationEndpoint: optional(found.revocation_endpoint),
    };
  }

  /**
   * Fetches the keys by which tokens are verified.
   *
   * @throws {McpError} `unavailable`
   */
  async keys(jwksUri: URL): Promise<PublishedKeys> {
    const verb = "fetch the keys of";
    return this.#decode(keysSchema, verb, await this.#get(verb, jwksUri));
  }

  /**
   * Begins a login that is confirmed in a browser, anywhere.
   *
   * @throws {McpError} `unauthenticated` when the provider refuses, `unavailable` when it cannot be
   *   asked, `invalid` when it has no such logins.
   */
  async startDeviceLogin(
    { clientId, resource, scope }: TokenClient & { readonly scope: string },
    signal?: AbortSignal,
  ): Promise<DeviceLogin> {
    const verb = "log in at";
    const { deviceAuthorizationEndpoint: url } = await this.#endpoints();
    const answer = await this.#post(verb, requireEndpoint(this.issuer, url, "device logins"), {
      client_id: clientId,
      scope,
      ...(resource === undefined ? {} : { resource }),
    }, signal);
    this.#requireAcceptance(answer, "Cannot begin to log in");
    const login = this.#decode(deviceLoginSchema, verb, answer);
    return {
      deviceCode: login.device_code,
      userCode: login.user_code,
      verificationUri: login.verification_uri,
      verificationUriComplete: login.verification_uri_complete,
      intervalMs: login.interval * 1_000,
      lifetimeMs: login.expires_in * 1_000,
    };
  }

  /**
   * Asks once whether a login was confirmed.
   *
   * @returns The tokens; or that nobody has confirmed yet, or that we ask too often.
   * @throws {McpError} `unauthenticated` when it was refused or has ended, `unavailable`.
   */
  async pollDeviceLogin(
    { clientId, resource, deviceCode }: TokenClient & { readonly deviceCode: string },
    signal?: AbortSignal,
  ): Promise<IssuedTokens | "pending" | "slow_down"> {
    const answer = await this.#askForTokens("log in at", {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: deviceCode,
      client_id: clientId,
      ...(resource === undefined ? {} : { resource }),
    }, signal);
    const code = this.#refusalCode(answer);
    if (code === "authorization_pending") return "pending";
    if (code === "slow_down") return "slow_down";
    this.#requireAcceptance(answer, "Cannot log in");
    return this.#tokens("log in at", answer);
  }

  /**
   * Trades a refresh token for new tokens.
   *
   * @throws {McpError} `unauthenticated` when the provider refuses, `unavailable` when it cannot be asked.
   */
  async refresh(
    { clientId, resource, refreshToken }: TokenClient & { readonly refreshToken: string },
    signal?: AbortSignal,
  ): Promise<IssuedTokens> {
    const verb = "renew a token at";
    const answer = await this.#askForTokens(verb, {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      client_id: clientId,
      ...(resource === undefined ? {} : { resource }),
    }, signal);
    this.#requireAcceptance(answer, "Cannot renew the token");
    return this.#tokens(verb, answer);
  }

  /**
   * Ends a refresh token, and with it what was made from it.
   *
   * @returns Whether the provider does such things.
   * @throws {McpError} `unauthenticated`, `unavailable`
   */
  async revoke(
    { clientId, refreshToken }: { readonly clientId: string; readonly refreshToken: string },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const verb = "log out at";
    const { revocationEndpoint: url } = await this.#endpoints();
    if (url === undefined) return false;
    const answer = await this.#post(verb, url, {
      token: refreshToken,
      token_type_hint: "refresh_token",
      client_id: clientId,
    }, signal);
    this.#requireAcceptance(answer, "Cannot log out");
    if (answer.status === 200) return true;
    throw this.#refusal(verb, new Error(`it answered with status ${answer.status}`));
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  /** Discovered once for all questions of one command. */
  async #endpoints(): Promise<Discovered> {
    return await (this.#discovered ??= this.discover());
  }

  async #askForTokens(
    verb: string,
    form: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const { tokenEndpoint } = await this.#endpoints();
    return await this.#post(
      verb,
      requireEndpoint(this.issuer, tokenEndpoint, "tokens"),
      form,
      signal,
    );
  }

  async #get(verb: string, url: URL): Promise<HttpAnswer> {
    const headers = { accept: "application/json, application/jwk-set+json" };
    return await this.#ask(verb, url, { method: "GET", headers });
  }

  async #post(
    verb: string,
    url: URL,
    form: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const headers = {
      "accept": "application/json",
      "content-type": "application/x-www-form-urlencoded",
    };
    const body = new URLSearchParams(form).toString();
    return await this.#ask(verb, url, { method: "POST", headers, body, signal });
  }

  async #ask(verb: string, url: URL, question: HttpQuestion): Promise<HttpAnswer> {
    try {
      return await this.#http.ask(url, question);
    } catch (error) {
      throw this.#refusal(verb, error);
    }
  }

  #tokens(verb: string, answer: HttpAnswer): IssuedTokens {
    const issued = this.#decode(tokensSchema, verb, answer);
    return {
      accessToken: issued.access_token,
      idToken: issued.id_token,
      refreshToken: issued.refresh_token,
      lifetimeMs: issued.expires_in === undefined ? undefined : issued.expires_in * 1_000,
    };
  }

  /** The provider's code for why not, e.g. "invalid_grant"; undefined when it did not refuse. */
  #refusalCode({ status, text }: HttpAnswer): string | undefined {
    if (status !== 400 && status !== 401 && status !== 403) return undefined;
    const decoded = refusalSchema.safeParse(parseJson(text));
    return decoded.success ? decoded.data.error : "nothing more";
  }

  #requireAcceptance(answer: HttpAnswer, message: string): void {
    const code = this.#refusalCode(answer);
    if (code === undefined) return;
    throw new McpError("unauthenticated", message, {
      cause: new Error(refusals.get(code) ?? `the provider (${this.issuer}) says ${code}`),
    });
  }

  #refusal(verb: string, cause: unknown): McpError {
    return new McpError("unavailable", `Cannot ${verb} the OIDC provider (${this.issuer})`, {
      cause,
    });
  }

  #decode<Schema extends z.ZodType>(
    schema: Schema,
    verb: string,
    answer: HttpAnswer,
  ): z.output<Schema> {
    try {
      return decodeAnswer(answer, "the standard", (value) => schema.safeParse(value).data);
    } catch (error) {
      throw this.#refusal(verb, error);
    }
  }
}

/** What the codes of a refusal mean to an operator. */
const refusals: ReadonlyMap<string, string> = new Map([
  ["access_denied", "the login was refused in the browser"],
  ["expired_token", "nobody confirmed the login in time"],
  ["invalid_client", "the provider does not know oidc.client_id, or wants a secret of it"],
  ["invalid_grant", "the provider does not accept it any more"],
  ["invalid_scope", "the provider does not allow oidc.scope"],
  ["invalid_target", "the provider does not know oidc.resource"],
  ["unauthorized_client", "the provider does not let oidc.client_id log in like this"],
]);

function requireEndpoint(issuer: string, url: URL | undefined, what: string): URL {
  if (url !== undefined) return url;
  throw new McpError("invalid", `Cannot log in at ${issuer}: it does not offer ${what}`, {
    hint: "Set MCP_TOKEN to a token of the provider",
  });
}
