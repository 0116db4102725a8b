/**
 * A certificate authority and a server certificate that live as long as one test.
 *
 * @module
 */

import {
  certificateDer,
  type CertifiedKey,
  createAuthority,
  issueServerCertificate,
} from "../../agent/node/identity/certificates.ts";

/** What a test's server and clients need; all PEM but the last. */
export interface ThrowawayCertificates {
  /** The only authority that vouches for the server. */
  readonly ca: string;
  /** The server's certificate and, behind it, its authority's. */
  readonly certificate: string;
  readonly key: string;
  /** The authority as `mcp node add --ca-data` takes it. */
  readonly caDerBase64: string;
  /** Another certificate for the same hosts, by the same authority. */
  renew(options?: { readonly issuedAt?: Date }): Promise<CertifiedKey>;
}

/**
 * Makes a new authority and a certificate for the hosts, by default those of this machine.
 *
 * A certificate is valid for a day from when it is issued, by default now.
 */
export async function throwawayCertificates(
  { hosts = ["localhost", "127.0.0.1", "::1"], issuedAt = new Date() }: {
    readonly hosts?: readonly string[];
    readonly issuedAt?: Date;
  } = {},
): Promise<ThrowawayCertificates> {
  const authority = await createAuthority({
    commonName: "MCP test CA",
    validDays: 3650,
    now: issuedAt,
  });
  const renew = ({ issuedAt: now = new Date() } = {}) =>
    issueServerCertificate(authority, {
      commonName: "MCP test server",
      hosts,
      validDays: 1,
      now,
    });
  return {
    ca: authority.certificate,
    ...await renew({ issuedAt }),
    caDerBase64: certificateDer(authority.certificate).toBase64(),
    renew,
  };
}
