/**
 * A server's certificates in, its credentials out: TLS 1.3 or nothing. A client's side: `trust.ts`.
 *
 * @module
 */

import { ServerCredentials } from "@grpc/grpc-js";
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import { McpError } from "../errors.ts";
import { requireCertificates } from "../pem.ts";

const minVersion = "TLSv1.3";

/** A certificate chain and its key, both PEM. */
export interface ServerIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** Credentials of a server, whose certificate can be replaced while it serves. */
export class TlsServerCredentials extends ServerCredentials {
  /** @throws {McpError} `invalid` when certificate and key are not a pair in PEM. */
  constructor(identity: ServerIdentity) {
    super({ requestCert: false, minVersion }, contextOf(identity));
  }

  /**
   * Shows this certificate to whoever connects from now on; connections that are open keep theirs.
   *
   * @throws {McpError} `invalid` when certificate and key are not a pair in PEM; then nothing has
   *   changed.
   */
  replace(identity: ServerIdentity): void {
    this.updateSecureContextOptions(contextOf(identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** When a certificate can be used. */
export interface Validity {
  readonly from: Date;
  readonly until: Date;
}

/**
 * When the certificate of a pair can be used; of a chain, that of the server itself.
 *
 * @throws {McpError} `invalid` when it is not PEM.
 */
export function validityOf({ certificate }: Pick<ServerIdentity, "certificate">): Validity {
  const { validFrom, validTo } = new X509Certificate(
    requireCertificates("TLS certificate", certificate),
  );
  return { from: new Date(validFrom), until: new Date(validTo) };
}

function contextOf(identity: ServerIdentity): SecureContextOptions {
  requirePair(identity);
  return {
    cert: identity.certificate,
    key: identity.key,
    // Said here as well as to the server: a context that is put in place later brings its own.
    minVersion,
    // The roots are for client certificates, which are not asked for. They are given all the same:
    // without them every root of the system goes into each handshake where
    // GRPC_DEFAULT_SSL_ROOTS_FILE_PATH is set, and clients refuse a message that large.
    ca: identity.certificate,
  };
}

/** Deno takes any texts for a certificate and its key, and then fails every handshake. */
function requirePair({ certificate, key }: ServerIdentity): void {
  requireCertificates("TLS certificate", certificate);
  const refuse = (cause: unknown) =>
    new McpError("invalid", "Cannot use the key of the TLS certificate", { cause });
  let isPair: boolean;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw refuse(error);
  }
  if (!isPair) throw refuse(new Error("it is the key of another certificate"));
}
