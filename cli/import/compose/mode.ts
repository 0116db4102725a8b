/**
 * Permission bits in a Compose file.
 *
 * @module
 */

import type { Place } from "./place.ts";

/**
 * The bits, or undefined when none are written. People write 0440 and mean octal; YAML 1.2 reads that
 * as four hundred and forty, so what was written counts.
 */
export function modeOf({ value }: Place): number | undefined {
  if (value.kind !== "scalar") return undefined;
  const text = typeof value.value === "string" ? value.value : value.written;
  const bits = /^0o?[0-7]{1,5}$/.test(text)
    ? parseInt(text.replace("o", ""), 8)
    : /^\d{1,5}$/.test(text)
    ? Number(text)
    : undefined;
  return bits === undefined || bits > 0o7777 ? undefined : bits;
}
