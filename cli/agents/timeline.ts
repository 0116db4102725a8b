/**
 * What happened on several nodes, as one sequence in time.
 *
 * @module
 */

import type { Answer } from "./fan_out.ts";
import { answered } from "./fan_out.ts";

/** Something that happened on a node. */
export interface Happening<Value> {
  readonly nodeName: string;
  readonly value: Value;
}

/**
 * The newest things that all nodes tell, oldest first: the order in which one reads on.
 *
 * @param limit How many there are at most.
 */
export function timeline<Value extends { readonly at: Date | undefined }>(
  answers: readonly Answer<readonly Value[]>[],
  limit: number,
): { readonly happenings: readonly Happening<Value>[]; readonly isCut: boolean } {
  const all = answered(answers)
    .flatMap(({ node, value }) => value.map((each) => ({ nodeName: node.name, value: each })))
    .sort((a, b) => (b.value.at?.getTime() ?? 0) - (a.value.at?.getTime() ?? 0));
  // Each node was asked for so many; one that gave them all may have more.
  const isCut = all.length > limit || answered(answers).some(({ value }) => value.length >= limit);
  return { happenings: all.slice(0, limit).reverse(), isCut };
}

/** An instant as the protocol carries it. */
export function toTimestamp(at: Date): { readonly seconds: bigint; readonly nanos: number } {
  const ms = at.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
