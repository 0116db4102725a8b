/**
 * Who holds this token? The one question an identity provider answers.
 *
 * @module
 */

import type { Caller } from "./caller.ts";

/** An identity provider. */
export interface TokenVerifier {
  /**
   * @throws {McpError} `unauthenticated` for a token that is not valid (any more),
   *   `unavailable` when the provider cannot be asked.
   */
  verify(token: string): Promise<Caller>;
}
