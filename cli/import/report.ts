/**
 * What an import tells, for people and for scripts.
 *
 * @module
 */

import type { JsonObject } from "../output/json.ts";
import type { Block } from "../output/screen.ts";
import type { Line, Tone } from "../output/screen_text.ts";
import type { Fate, Note, Origin } from "./findings.ts";

/** What is told first, because somebody has to do it. */
const fates: readonly Fate[] = ["needs you", "changed", "left out"];
const tones: Readonly<Record<Fate, Tone>> = {
  "needs you": "warn",
  "changed": "strong",
  "left out": "bad",
};
const width = Math.max(...fates.map((fate) => fate.length));

/** A block for the service, and one for each component that there is something to tell of. */
export function reportBlocks(notes: readonly Note[], components: readonly string[]): Block[] {
  const groups = [undefined, ...components].map((component) => ({
    title: component ?? "All of it",
    notes: sorted(notes.filter((note) => note.component === component)),
  }));
  return groups.filter((group) => group.notes.length > 0).map(({ title, notes }) => [
    [{ text: title, tone: "strong" }] satisfies Line,
    ...notes.flatMap(noteLines),
  ]);
}

function noteLines({ fate, origin, what, todo }: Note): readonly Line[] {
  const indent = " ".repeat(width + 4);
  return [
    [
      "  ",
      { text: fate.padEnd(width), tone: tones[fate] },
      "  ",
      `${shortOrigin(origin)}: ${what}`,
    ],
    ...(todo === "" ? [] : [[`${indent}${todo}`]]),
  ];
}

/** The key within its service: the title above says which that is. */
function shortOrigin({ file, line, key }: Origin): string {
  const inside = key.replace(/^services\.("(?:[^"\\]|\\.)*"|[^.]+)\.?/, "");
  return inside === "" ? `${file}:${line}` : `${file}:${line} ${inside}`;
}

function sorted(notes: readonly Note[]): readonly Note[] {
  return [...notes].sort((a, b) =>
    fates.indexOf(a.fate) - fates.indexOf(b.fate) ||
    (a.origin.file === b.origin.file ? a.origin.line - b.origin.line : 0)
  );
}

/** How much there is to tell, e.g. "2 need you, 3 changed, 1 left out". */
export function countNotes(notes: readonly Note[]): string {
  const counts = fates.map((fate) => [fate, notes.filter((note) => note.fate === fate).length]);
  const told = counts.filter(([_, count]) => count !== 0).map(([fate, count]) =>
    fate === "needs you" && count !== 1 ? `${count} need you` : `${count} ${fate}`
  );
  return told.length === 0 ? "nothing was lost or changed" : told.join(", ");
}

/** A note as `--json` prints it. */
export function noteJson({ fate, component, origin, what, todo }: Note): JsonObject {
  return {
    component: component ?? null,
    fate: fate.replace(" ", "_"),
    file: origin.file,
    line: origin.line,
    key: origin.key,
    what,
    todo,
  };
}
