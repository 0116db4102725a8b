/**
 * What an import tells, for people and for scripts.
 *
 * @module
 */

import { byFate, countFates, fateBlocks } from "../output/fates.ts";
import type { JsonObject } from "../output/json.ts";
import type { Block } from "../output/screen.ts";
import type { Note, Origin } from "./findings.ts";

/** A block for the service, and one for each component that there is something to tell of. */
export function reportBlocks(notes: readonly Note[], components: readonly string[]): Block[] {
  const told = [undefined, ...components]
    .flatMap((component) => sorted(notes.filter((note) => note.component === component)))
    .map(({ origin, ...note }) => ({ ...note, where: shortOrigin(origin) }));
  return fateBlocks(told, components);
}

/** The key within its service: the title above says which that is. */
function shortOrigin({ file, line, key }: Origin): string {
  const inside = key.replace(/^services\.("(?:[^"\\]|\\.)*"|[^.]+)\.?/, "");
  return inside === "" ? `${file}:${line}` : `${file}:${line} ${inside}`;
}

function sorted(notes: readonly Note[]): readonly Note[] {
  return [...notes].sort((a, b) =>
    byFate(a, b) || (a.origin.file === b.origin.file ? a.origin.line - b.origin.line : 0)
  );
}

/** How much there is to tell, e.g. "2 need you, 3 changed, 1 left out". */
export function countNotes(notes: readonly Note[]): string {
  return countFates(notes);
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
