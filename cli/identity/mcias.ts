/**
 * Tokens from MCIAS.
 *
 * @module
 */

import { type Credentials, type IssuedToken, MciasClient } from "../../lib/mcias/client.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { MciasConfig } from "../settings/config.ts";
import type { StoredToken } from "./token_file.ts";
import {
  type Ending,
  type IdentityProvider,
  type ProviderDeps,
  readProviderCa,
} from "./provider.ts";
import { isOver } from "./renewal.ts";

/** {@link IdentityProvider} by MCIAS. */
export class MciasProvider implements IdentityProvider {
  readonly issuer: string;
  readonly #client: MciasClient;
  readonly #clock: Pick<Clock, "now">;
  readonly #serviceName: string;

  private constructor(client: MciasClient, config: MciasConfig, clock: Pick<Clock, "now">) {
    this.#client = client;
    this.#clock = clock;
    this.#serviceName = config.serviceName;
    this.issuer = new URL(config.serverUrl).origin;
  }

  static async open(
    { files, clock }: ProviderDeps,
    config: MciasConfig,
    timeoutMs: number,
  ): Promise<MciasProvider> {
    const ca = await readProviderCa(files, config.caCert, "MCIAS");
    return new MciasProvider(
      new MciasClient({ serverUrl: config.serverUrl, ca, timeoutMs }),
      config,
      clock,
    );
  }

  /** Trades a password for a token; see {@link MciasClient.login}. */
  async login(
    credentials: Omit<Credentials, "serviceName">,
    signal?: AbortSignal,
  ): Promise<StoredToken & { readonly expiresAt: Date }> {
    const serviceName = this.#serviceName;
    return this.#stored(await this.#client.login({ ...credentials, serviceName }, signal));
  }

  canRenew(stored: StoredToken): boolean {
    return stored.issuer === this.issuer && !isOver(stored, this.#clock.now());
  }

  async renew(stored: StoredToken): Promise<StoredToken> {
    return this.#stored(await this.#client.renew(stored.token));
  }

  async logout({ token }: StoredToken): Promise<Ending> {
    const wasValid = await this.#client.logout(token);
    return { ended: true, told: wasValid ? "MCIAS ended it" : "it was not valid any more" };
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  #stored({ token, expiresAt }: IssuedToken) {
    return { token, expiresAt, issuedAt: this.#clock.now(), issuer: this.issuer };
  }
}
