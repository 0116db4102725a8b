/**
 * The values of secrets that come with a request: checked before anything is done with them.
 *
 * @module
 */

import { maxSecretBytes } from "../../../lib/domain/secret_mount.ts";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import type { SecretValue } from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { SecretValues } from "../../change/secrets/secrets.ts";

/**
 * The values by the secrets' names.
 *
 * @throws {McpError} `invalid`, with all that is wrong and no value.
 */
export function requireSecretValues(
  values: readonly SecretValue[],
  { name: service, components }: ServiceSpec,
): SecretValues {
  const mounted = new Set(components.flatMap(({ secrets }) => secrets.map(({ name }) => name)));
  const known = new Map<string, Uint8Array>();
  const details: string[] = [];
  for (const { name, value } of values) {
    const what = `secret ${JSON.stringify(name)}`;
    if (!mounted.has(name)) details.push(`${what}: no component of the service mounts it`);
    else if (known.has(name)) details.push(`${what}: it comes twice`);
    else if (value.byteLength === 0) details.push(`${what}: its value is empty`);
    else if (value.byteLength > maxSecretBytes) {
      details.push(
        `${what}: it holds ${value.byteLength} bytes, and ${maxSecretBytes} are the limit`,
      );
    }
    known.set(name, value);
  }
  if (details.length === 0) return known;
  throw new McpError("invalid", `Cannot use the secrets of service ${JSON.stringify(service)}`, {
    details,
  });
}

/**
 * Refuses values where a revision says which ones are meant.
 *
 * @throws {McpError} `invalid`
 */
export function requireNoSecretValues(values: readonly SecretValue[]): void {
  if (values.length === 0) return;
  throw new McpError("invalid", "Cannot go back to a revision with other values of its secrets", {
    hint: "Leave them out: each is mounted as it was then",
  });
}
