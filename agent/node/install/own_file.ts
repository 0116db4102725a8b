/**
 * Files that an operator may change: told apart from ours by a first line that vouches for the rest.
 *
 * @module
 */

import { createHash } from "node:crypto";

const firstLine = /^# Installed by mcp-agent ([0-9a-f]{16}); change it, and it is left alone\n/;

/** The text as it is installed. */
export function stamped(text: string): string {
  return `# Installed by mcp-agent ${digest(text)}; change it, and it is left alone\n${text}`;
}

/** Whether a file is still as some version of ours wrote it. */
export function isOurs(installed: string): boolean {
  const [line, stamp] = firstLine.exec(installed) ?? [];
  return line !== undefined && digest(installed.slice(line.length)) === stamp;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
