/**
 * Tokens from an OpenID Connect provider, by a login in any browser (RFC 8628).
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import { type DeviceLogin, type IssuedTokens, OidcClient } from "../../lib/oidc/client.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { OidcConfig } from "../settings/config.ts";
import type { StoredToken } from "./token_file.ts";
import { jwtExpiry } from "./jwt_expiry.ts";
import {
  type Ending,
  type IdentityProvider,
  type ProviderDeps,
  readProviderCa,
} from "./provider.ts";

/** How much longer to wait when the provider says that we ask too often, RFC 8628 §3.5. */
const slowDownMs = 5_000;

/** {@link IdentityProvider} by OpenID Connect. */
export class OidcProvider implements IdentityProvider {
  readonly issuer: string;
  readonly #client: OidcClient;
  readonly #config: OidcConfig;
  readonly #clock: Pick<Clock, "now">;

  private constructor(client: OidcClient, config: OidcConfig, clock: Pick<Clock, "now">) {
    this.#client = client;
    this.#config = config;
    this.#clock = clock;
    this.issuer = config.issuer;
  }

  static async open(
    { files, clock }: ProviderDeps,
    config: OidcConfig,
    timeoutMs: number,
  ): Promise<OidcProvider> {
    const ca = await readProviderCa(files, config.caCert, "the OIDC provider");
    return new OidcProvider(
      new OidcClient({ issuer: config.issuer, ca, timeoutMs }),
      config,
      clock,
    );
  }

  /** Begins a login; what it gives is to be shown to the operator. */
  async startLogin(signal: AbortSignal): Promise<DeviceLogin> {
    return await this.#client.startDeviceLogin(this.#config, signal);
  }

  /**
   * Waits until the login is confirmed, asking as often as the provider likes.
   *
   * @throws {McpError} `unauthenticated` when it was refused, or nobody came in time.
   */
  async finishLogin(
    login: DeviceLogin,
    { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<StoredToken> {
    let { intervalMs } = login;
    for (let waitedMs = 0; waitedMs < login.lifetimeMs; waitedMs += intervalMs) {
      await clock.sleep(intervalMs, signal);
      const answer = await this.#poll(login, signal);
      if (answer === "slow_down") intervalMs += slowDownMs;
      else if (answer !== "pending") return this.#stored(answer, undefined);
    }
    throw new McpError("unauthenticated", "Nobody confirmed the login in time", {
      hint: "Run `mcp login` again",
    });
  }

  canRenew(stored: StoredToken): boolean {
    return stored.issuer === this.issuer && stored.refreshToken !== undefined;
  }

  async renew({ refreshToken = "" }: StoredToken): Promise<StoredToken> {
    const issued = await this.#client.refresh({ ...this.#config, refreshToken });
    return this.#stored(issued, refreshToken);
  }

  /** Agents verify a JWT without asking anybody: only its renewal can be ended. */
  async logout({ refreshToken }: StoredToken): Promise<Ending> {
    const { clientId } = this.#config;
    const isRevoked = refreshToken !== undefined &&
      await this.#client.revoke({ clientId, refreshToken });
    const renewal = isRevoked ? "it will not be renewed, but" : "nobody was told:";
    return { ended: false, told: `${renewal} agents accept it until it expires` };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  /** A provider that does not answer may do so next time: that is no reason to begin anew. */
  async #poll({ deviceCode }: DeviceLogin, signal: AbortSignal) {
    try {
      return await this.#client.pollDeviceLogin({ ...this.#config, deviceCode }, signal);
    } catch (error) {
      const mayPass = error instanceof McpError && error.kind === "unavailable" && !signal.aborted;
      if (mayPass) return "slow_down";
      throw error;
    }
  }

  /** @param oldRefreshToken Stays good where the provider gives no other. */
  #stored(issued: IssuedTokens, oldRefreshToken: string | undefined): StoredToken {
    const token = this.#config.token === "id_token" ? issued.idToken : issued.accessToken;
    if (token === undefined) {
      throw new McpError("unauthenticated", "The OIDC provider gave no ID token", {
        hint: 'Add "openid" to oidc.scope, or set oidc.token to "access_token"',
      });
    }
    const issuedAt = this.#clock.now();
    const { lifetimeMs } = issued;
    // What the provider says is about the access token; a JWT says it itself.
    const told = lifetimeMs === undefined ? undefined : new Date(issuedAt.getTime() + lifetimeMs);
    return {
      token,
      expiresAt: jwtExpiry(token) ?? told,
      issuedAt,
      issuer: this.issuer,
      refreshToken: issued.refreshToken ?? oldRefreshToken,
    };
  }
}
