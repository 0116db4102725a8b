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

/** What a certificate says, as far as anybody here asks. */
export interface CertificateFacts {
  /** The last part of its subject, e.g. "rift". */
  readonly name: string;
  readonly validFrom: Date;
  readonly validUntil: Date;
}

/**
 * The certificates in a PEM text, in their order; whatever else is in it is not looked at.
 *
 * Blocks that cannot be read are counted: a key in the same file is none of them.
 */
export function certificatesIn(
  pem: string,
): { readonly certificates: readonly CertificateFacts[]; readonly unreadable: number } {
  const blocks = pem.match(certificateBlock) ?? [];
  const certificates = blocks.flatMap((block): CertificateFacts[] => {
    try {
      const { subject, validFrom, validTo } = new X509Certificate(block);
      const from = new Date(validFrom);
      const until = new Date(validTo);
      if (Number.isNaN(from.getTime()) || Number.isNaN(until.getTime())) return [];
      const name = /(?:^|\n|\+)CN=([^\n]*)/.exec(subject)?.[1] ?? subject.replaceAll("\n", ", ");
      return [{ name, validFrom: from, validUntil: until }];
    } catch {
      // Counted below: what is wrong inside it is of no use to anybody who reads about it.
      return [];
    }
  });
  return { certificates, unreadable: blocks.length - certificates.length };
}
