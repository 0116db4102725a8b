/**
 * A path as a request writes it → the parts of a path below /srv/<service>/, or a refusal.
 *
 * Pure, and only half of the defence: what the parts lead to on disk is asked
 * after opening, in `transfer.ts`. Nothing is decoded or normalised here; a
 * percent sign or a backslash is a character of a name like any other.
 *
 * @module
 */

import { requireName } from "../../../lib/domain/names.ts";
import { McpError } from "../../../lib/errors.ts";

/** The longest name and path that Linux takes, in bytes. */
const longestPart = 255;
const longestPath = 4096;

/** What a file is called while it is being written; nothing else may be called so. */
export const temporaryPrefix = ".mcp-push-";

/** A file below a service's folder. */
export interface ServicePath {
  readonly service: string;
  /** At least one; none is empty, "." or "..", none holds "/" or NUL. */
  readonly parts: readonly [string, ...string[]];
}

/**
 * Reads service and path of a request.
 *
 * @throws {McpError} `invalid`
 */
export function requireServicePath(service: string, path: string): ServicePath {
  requireName("service", service);
  const refuse = (why: string) =>
    new McpError("invalid", `Cannot use the path ${JSON.stringify(path)}: ${why}`, {
      hint: `Write it relative to the service's folder, e.g. "certs/${service}.pem"`,
    });
  if (path === "") throw refuse("it is empty");
  // Written as bytes it would be another name.
  if (!path.isWellFormed()) throw refuse("it is not well-formed text");
  if (path.includes("\0")) throw refuse("it holds a NUL");
  if (path.startsWith("/")) throw refuse("it is absolute");
  if (new TextEncoder().encode(path).byteLength > longestPath) throw refuse("it is too long");
  const [first = "", ...rest] = path.split("/");
  for (const part of [first, ...rest]) {
    if (part === "") throw refuse("it has an empty part");
    if (part === "." || part === "..") throw refuse(`it has the part ${JSON.stringify(part)}`);
    if (part.startsWith(temporaryPrefix)) {
      throw refuse(`names with ${temporaryPrefix} are MCP's own`);
    }
    if (new TextEncoder().encode(part).byteLength > longestPart) throw refuse("a part is too long");
  }
  return { service, parts: [first, ...rest] };
}
