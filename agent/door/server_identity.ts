/**
 * The certificate and key that a server shows: read at its start, and again when it is told to.
 *
 * At the start an expired certificate is used all the same, loudly: a node that is down tells
 * nobody why. While one serves, another takes its place only if it is better than that.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { type ServerIdentity, type Validity, validityOf } from "../../lib/rpc/tls.ts";
import type { Files } from "../../lib/system/files.ts";

/** Where they lie. */
interface IdentityFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * Reads certificate and key; whether they are a pair is for the server to say.
 *
 * @throws {McpError} `not_found` when there is no such file.
 */
export async function readIdentity(
  files: Pick<Files, "readText">,
  { certificateFile, keyFile }: IdentityFiles,
): Promise<ServerIdentity> {
  return {
    certificate: await requireText(files, certificateFile, "certificate"),
    key: await requireText(files, keyFile, "key of the certificate"),
  };
}

/** Reads a file that the config names. */
export async function requireText(
  files: Pick<Files, "readText">,
  path: string,
  what: string,
): Promise<string> {
  const text = await files.readText(path);
  if (text !== undefined) return text;
  throw new McpError("not_found", `Cannot read the ${what} ${path}: there is no such file`, {
    hint: "Run `mcp-agent init`, or correct the path in the config",
  });
}

/** Why clients refuse a certificate now; undefined when they have no reason to. */
function whyRefused({ from, until }: Validity, now: Date): string | undefined {
  if (now >= until) return `it expired at ${until.toISOString()}`;
  if (now < from) return `it is not valid before ${from.toISOString()}`;
  return undefined;
}

/**
 * When a certificate can be used that shall take the place of one that serves.
 *
 * @throws {McpError} `invalid` when that is not now.
 */
export function requireUsable(
  identity: ServerIdentity,
  { certificateFile }: IdentityFiles,
  now: Date,
): Validity {
  const validity = validityOf(identity);
  const reason = whyRefused(validity, now);
  if (reason === undefined) return validity;
  throw new McpError("invalid", `Cannot use the certificate ${certificateFile}: ${reason}`, {
    hint: "Put a certificate and its key there that are valid now, and send SIGHUP again",
  });
}

/** Says until when the certificate that is shown from now on can be used. */
export function tellValidity(
  { certificateFile }: IdentityFiles,
  validity: Validity,
  now: Date,
): void {
  const reason = whyRefused(validity, now);
  if (reason === undefined) {
    log.agent.info("Certificate {file} is valid until {until}", {
      file: certificateFile,
      until: validity.until.toISOString(),
    });
    return;
  }
  log.agent.error(
    "Clients refuse the certificate {file}: {reason}. Replace it and its key, and send SIGHUP",
    { file: certificateFile, reason },
  );
}
