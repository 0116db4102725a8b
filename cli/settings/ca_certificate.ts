/**
 * CA certificates that the operator hands over: checked, and kept as PEM.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { McpError } from "../../lib/errors.ts";
import { requireCertificates } from "../../lib/pem.ts";

/**
 * The PEM of a certificate given as one line of base64 or base64url, the way
 * `mcp-agent init` prints it.
 *
 * @throws {McpError} `invalid` when it is no certificate.
 */
export function caFromBase64(text: string): string {
  // Buffer reads both alphabets.
  const lines = Buffer.from(text.trim(), "base64").toString("base64").match(/.{1,64}/g) ?? [];
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  return caFromPem(pem, "value of --ca-data");
}

/**
 * The PEM as it is, when it holds certificates.
 *
 * @param source Where it was read from.
 * @throws {McpError} `invalid` when there is none.
 */
export function caFromPem(text: string, source: string): string {
  try {
    return requireCertificates(source, text);
  } catch (error) {
    throw new McpError("invalid", `Cannot use the ${source}: it is no certificate`, {
      cause: error instanceof McpError ? error.cause : error,
      hint: "Copy the line that `mcp-agent init` printed on the node",
    });
  }
}
