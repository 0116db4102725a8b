/**
 * How much room is enough, for disks and for memory. Pure.
 *
 * @module
 */

import { error, type Finding, warning, well } from "../../../lib/domain/finding.ts";
import type { Space } from "./facts.ts";

const gib = 1024 ** 3;
/** Shares of the whole. */
const warningShare = 0.10;
const errorShare = 0.03;

/** What is to be said of room for something. */
export function spaceFinding(
  id: string,
  { totalBytes, freeBytes }: Space,
  options: {
    readonly where: string;
    readonly why: string;
    readonly fix: string;
    /** Below it there is never enough, however small the whole: 1 GiB unless it is said. */
    readonly leastBytes?: number;
  },
): Finding {
  const { where, why, fix, leastBytes = gib } = options;
  const share = totalBytes === 0 ? 0 : freeBytes / totalBytes;
  const what = `${formatBytes(freeBytes)} free of ${formatBytes(totalBytes)} (${
    Math.floor(share * 100)
  } %) for ${where}`;
  if (share < errorShare || freeBytes < leastBytes) return error(id, { what, why, fix });
  if (share < warningShare) return warning(id, { what, why, fix });
  return well(id, what);
}

/** Bytes for people, e.g. "1.5 GiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${value.toFixed(at === 0 || value >= 100 ? 0 : 1)} ${units[at]}`;
}
