/**
 * The identity provider that a config names; the code of the others is never loaded.
 *
 * @module
 */

import type { IdentityConfig } from "../settings/config.ts";
import type { IdentityProvider, ProviderDeps } from "./provider.ts";

/**
 * Opens the provider of the config; undefined when the agents make their tokens themselves.
 *
 * @param timeoutMs How long each question may take.
 */
export async function openProvider(
  deps: ProviderDeps,
  identity: IdentityConfig,
  timeoutMs: number,
): Promise<IdentityProvider | undefined> {
  switch (identity.provider) {
    case "local":
      return undefined;
    case "mcias": {
      const { MciasProvider } = await import("./mcias.ts");
      return await MciasProvider.open(deps, identity, timeoutMs);
    }
    case "oidc": {
      const { OidcProvider } = await import("./oidc.ts");
      return await OidcProvider.open(deps, identity, timeoutMs);
    }
  }
}
