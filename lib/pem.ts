/**
 * PEM texts that hold certificates.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { McpError } from "./errors.ts";

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Returns the text when it holds certificates that can be read, and refuses it otherwise.
 *
 * Deno takes any text for a CA, and then trusts nobody: every connection fails,
 * and no message says why.
 *
 * @param what What the certificates are for, e.g. "CA certificate".
 * @throws {McpError} `invalid`
 */
export function requireCertificates(what: string, pem: string): string {
  const refuse = (cause: unknown) => new McpError("invalid", `Cannot use the ${what}`, { cause });
  const blocks = pem.match(certificateBlock);
  if (blocks === null) throw refuse(new Error("it holds no certificate in PEM"));
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw refuse(error);
    }
  }
  return pem;
}
