/**
 * A certificate authority and a server certificate that live as long as one test.
 *
 * @module
 */

import {
  certificateDer,
  createAuthority,
  issueServerCertificate,
} from "../../agent/identity/certificates.ts";

/** What a test's server and clients need; all PEM but the last. */
export interface ThrowawayCertificates {
  /** The only authority that vouches for the server. */
  readonly ca: string;
  /** The server's certificate and, behind it, its authority's. */
  readonly certificate: string;
  readonly key: string;
  /** The authority as `mcp node add --ca-data` takes it. */
  readonly caDerBase64: string;
}

/** Makes a new authority and a certificate for the hosts, by default those of this machine. */
export async function throwawayCertificates(
  { hosts = ["localhost", "127.0.0.1", "::1"] }: { readonly hosts?: readonly string[] } = {},
): Promise<ThrowawayCertificates> {
  const now = new Date();
  const authority = await createAuthority({ commonName: "MCP test CA", validDays: 1, now });
  const server = await issueServerCertificate(authority, {
    commonName: "MCP test server",
    hosts,
    validDays: 1,
    now,
  });
  return {
    ca: authority.certificate,
    certificate: server.certificate,
    key: server.key,
    caDerBase64: certificateDer(authority.certificate).toBase64(),
  };
}
