/**
 * Where shared tokens come from, as the commands see it: MCIAS, or an OIDC provider.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Clock } from "../../lib/system/clock.ts";
import type { Files } from "../../lib/system/files.ts";
import type { StoredToken } from "./token_file.ts";

/** Somebody who gives tokens, and can be told that one is not needed any more. */
export interface IdentityProvider extends Disposable {
  /** Its address; a token is never sent to another one than gave it. */
  readonly issuer: string;
  /** Whether a new token can be had for this one. */
  canRenew(stored: StoredToken): boolean;
  /** @throws {McpError} `unauthenticated` when it refuses, `unavailable` when it cannot be asked. */
  renew(stored: StoredToken): Promise<StoredToken>;
  /**
   * Ends the token there, as far as the provider can.
   *
   * @throws {McpError} `unavailable` when it cannot be asked.
   */
  logout(stored: StoredToken): Promise<Ending>;
}

/** What became of a token at its provider. */
export interface Ending {
  /** Null when nobody could be asked about it. */
  readonly ended: boolean | null;
  /** For the operator, about "it". */
  readonly told: string;
}

/** What opening a provider needs. */
export interface ProviderDeps {
  readonly files: Files;
  readonly clock: Pick<Clock, "now">;
}

/** The only CA to trust for a provider; undefined when the config names none. */
export async function readProviderCa(
  files: Files,
  path: string | undefined,
  title: string,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await files.readText(path);
  if (text !== undefined) return text;
  throw new McpError("not_found", `Cannot verify ${title}: there is no CA certificate ${path}`);
}
