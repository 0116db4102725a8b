/**
 * Asks the identity provider for what the agent needs of it, and nothing more.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Files } from "../../../lib/system/files.ts";
import type { AgentConfig } from "../../config.ts";

const timeoutMs = 5_000;

/**
 * Returns when the provider answers; the local one always does.
 *
 * @throws {McpError} When it does not, or cannot be trusted.
 */
export async function askProvider(
  files: Pick<Files, "readText">,
  auth: AgentConfig["auth"],
  signal?: AbortSignal,
): Promise<void> {
  if (auth.provider === "local") return;
  const ca = auth.caFile === undefined ? undefined : await files.readText(auth.caFile);
  if (auth.caFile !== undefined && ca === undefined) {
    throw new McpError("not_found", `There is no CA certificate ${auth.caFile}`);
  }
  if (auth.provider === "mcias") {
    const { MciasClient } = await import("../../../lib/mcias/client.ts");
    using client = new MciasClient({ serverUrl: auth.serverUrl, ca, timeoutMs });
    return await client.health(signal);
  }
  const { OidcClient } = await import("../../../lib/oidc/client.ts");
  using client = new OidcClient({ issuer: auth.issuer, ca, timeoutMs });
  // The agent needs the keys; where they are it is told, or asks.
  const jwksUri = auth.jwksUri === undefined
    ? (await client.discover()).jwksUri
    : new URL(auth.jwksUri);
  await client.keys(jwksUri);
}
