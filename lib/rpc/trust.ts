/**
 * Whom a client believes, and its connections: TLS 1.3 or nothing, and no way to skip verification.
 *
 * Apart from `tls.ts`, so that a client loads no gRPC library.
 *
 * @module
 */

import { isIP } from "node:net";
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { requireCertificates } from "../pem.ts";
import type { NodeAddress } from "./address.ts";

/** Whom a client believes: one CA, or the well-known roots. Parsed once for all the nodes it dials. */
export class Trust {
  /** PEM; undefined = the well-known roots. */
  readonly ca: string | undefined;
  readonly secureContext: SecureContext;

  /** @throws {McpError} `invalid` when the CA is not PEM. */
  constructor(ca: string | undefined) {
    this.ca = ca;
    // NOTE: the well-known roots are not spelled out: `rootCertificates` needs the permission for
    // all of `sys`.
    this.secureContext = createSecureContext({
      ...(ca === undefined ? {} : { ca: requireCertificates("CA certificate", ca) }),
      minVersion: "TLSv1.3",
    });
  }
}

/**
 * The name that a client sends when it dials this host.
 *
 * Under Deno it cannot send an IP address ("servername must not be an IP address"), so then it sends
 * a name of its own making, and checks the certificate against the address that was really dialled.
 */
export function sentName(host: string): string {
  return isIP(host) === 0 ? host : "mcp-agent";
}

/** Begins to connect; the socket is verified when it says `secureConnect`. */
export function dial({ host, port }: NodeAddress, { secureContext }: Trust): TLSSocket {
  return connect({
    host,
    port,
    secureContext,
    servername: sentName(host),
    ALPNProtocols: ["h2"],
    checkServerIdentity: (_sentName, certificate) => checkServerIdentity(host, certificate),
  });
}
