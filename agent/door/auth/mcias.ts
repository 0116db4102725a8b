/**
 * The platform's identity provider: MCIAS says who holds a token.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { MciasClient } from "../../../lib/mcias/client.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Caller, TokenVerifier } from "./caller.ts";

/** {@link TokenVerifier} by MCIAS. */
export class MciasVerifier implements TokenVerifier {
  readonly #client: Pick<MciasClient, "validate">;
  readonly #clock: Pick<Clock, "now">;

  constructor(client: Pick<MciasClient, "validate">, clock: Pick<Clock, "now">) {
    this.#client = client;
    this.#clock = clock;
  }

  async verify(token: string): Promise<Caller> {
    const report = await this.#client.validate(token);
    const isOver = report.expiresAt !== undefined &&
      report.expiresAt.getTime() <= this.#clock.now().getTime();
    if (!report.valid || isOver) {
      throw new McpError("unauthenticated", "MCIAS does not accept the token", {
        hint: "Run `mcp login`",
      });
    }
    return { subject: report.subject, roles: report.roles, expiresAt: report.expiresAt };
  }
}
