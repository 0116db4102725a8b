/**
 * What became of the parts of something that was turned into another format, as people read it.
 *
 * @module
 */

import type { Block } from "./screen.ts";
import type { Line, Tone } from "./screen_text.ts";

/** What became of something that was written. */
export type Fate =
  /** The other format cannot say it, or need not. */
  | "left out"
  /** It is said in another way. */
  | "changed"
  /** It is said, and works only when the operator does something for it. */
  | "needs you";

/** One thing that is told. */
interface Told {
  readonly fate: Fate;
  /** Undefined: it is about the whole service. */
  readonly component: string | undefined;
  /** Where it stands, e.g. "compose.yaml:4 ports" or "depends_on". */
  readonly where: string;
  /** What happened, a sentence without a full stop. */
  readonly what: string;
  /** What to do about it; empty when nothing need be done. */
  readonly todo: string;
}

/** What is told first, because somebody has to do it. */
const fates: readonly Fate[] = ["needs you", "changed", "left out"];
const tones: Readonly<Record<Fate, Tone>> = {
  "needs you": "warn",
  "changed": "strong",
  "left out": "bad",
};
const width = Math.max(...fates.map((fate) => fate.length));

/** The order in which fates are told. */
export function byFate(one: { readonly fate: Fate }, other: { readonly fate: Fate }): number {
  return fates.indexOf(one.fate) - fates.indexOf(other.fate);
}

/** A block for the service, and one for each component that there is something to tell of. */
export function fateBlocks(told: readonly Told[], components: readonly string[]): Block[] {
  const groups = [undefined, ...components].map((component) => ({
    title: component ?? "All of it",
    told: told.filter((each) => each.component === component),
  }));
  return groups.filter((group) => group.told.length > 0).map(({ title, told }) => [
    [{ text: title, tone: "strong" }] satisfies Line,
    ...told.flatMap(linesOf),
  ]);
}

function linesOf({ fate, where, what, todo }: Told): readonly Line[] {
  const indent = " ".repeat(width + 4);
  return [
    ["  ", { text: fate.padEnd(width), tone: tones[fate] }, "  ", `${where}: ${what}`],
    ...(todo === "" ? [] : [[`${indent}${todo}`]]),
  ];
}

/** How much there is to tell, e.g. "2 need you, 3 changed, 1 left out". */
export function countFates(told: readonly { readonly fate: Fate }[]): string {
  const counts = fates.map((fate) => [fate, told.filter((each) => each.fate === fate).length]);
  const texts = counts.filter(([_, count]) => count !== 0).map(([fate, count]) =>
    fate === "needs you" && count !== 1 ? `${count} need you` : `${count} ${fate}`
  );
  return texts.length === 0 ? "nothing was lost or changed" : texts.join(", ");
}
