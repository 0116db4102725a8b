/**
 * One quadlet on its way to a component: its lines by key, with specifiers filled in.
 *
 * @module
 */

import type { Draft } from "../draft.ts";
import type { Origin } from "../findings.ts";
import type { MountHome } from "../mounts.ts";
import type { Sources } from "../sources.ts";
import { type Assignment, unitWords } from "./unit_file.ts";

/** What a value of a key says. */
export interface Said {
  readonly value: string;
  readonly origin: Origin;
}

/** One line of one unit, and whom it is about. */
export interface UnitField {
  readonly draft: Draft;
  readonly home: MountHome;
  readonly sources: Sources;
  /** All that is said of the key; what was reset is not among it. */
  readonly said: readonly Said[];
  /** Components by the names of their units, e.g. "db.service" and "db.container". */
  readonly components: ReadonlyMap<string, string>;
  /** What a `.network` is called on the node. */
  networkName(unit: string): string;
  /** What a key of the unit says last, e.g. `Container.Group`. */
  last(section: string, key: string): Said | undefined;
}

/** The values of each "Section.Key", in the order of the file; an empty one forgets those before it. */
export function valuesByKey(
  assignments: readonly Assignment[],
  stem: string,
): ReadonlyMap<string, readonly Said[]> {
  const values = new Map<string, Said[]>();
  for (const { section, key, value, at } of assignments) {
    const name = `${section}.${key}`;
    const before = values.get(name) ?? [];
    const origin = { ...at, key: `${key}=` };
    if (value === "") values.set(name, []);
    else {
      const filled = withSpecifiers(value, stem);
      // All that podman is told stands in a command of systemd, where "$$" is "$". What Exec= says is
      // looked at before: a variable in it is told of.
      const isArgument = section === "Container" && key !== "Exec";
      before.push({ value: isArgument ? filled.replaceAll("$$", "$") : filled, origin });
      values.set(name, before);
    }
  }
  return values;
}

/** What the name of the unit itself says is filled in; what only a running system knows stays. */
function withSpecifiers(value: string, stem: string): string {
  const [prefix = stem, instance = ""] = stem.split("@");
  const known: Readonly<Record<string, string>> = {
    "%": "%",
    n: `${stem}.service`,
    N: stem,
    p: prefix,
    i: instance,
    I: instance,
  };
  return value.replaceAll(/%([%nNpiI])/g, (_, letter: string) => known[letter] ?? "");
}

/** Tells of specifiers that are left; %h before a path is understood where paths are read. */
export function tellOfSpecifiers(draft: Draft, { value, origin }: Said): void {
  const [specifier] = /%[a-zA-Z]/.exec(value.replace(/^%h\//, "/")) ?? [];
  if (specifier === undefined) return;
  draft.needs(
    origin,
    `${specifier} stands in the definition as it is: only systemd knows what it means`,
    "Write what it stands for",
  );
}

/** The words of a value; told when a quote is not closed. */
export function wordsIn(draft: Draft, { value, origin }: Said): readonly string[] {
  const words = unitWords(value);
  if (words === undefined) draft.mistake(origin, "a quote is not closed");
  return words ?? [];
}
