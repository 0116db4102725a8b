/**
 * What the services of a Compose file share.
 *
 * @module
 */

import type { Findings } from "../findings.ts";
import type { Draft } from "../draft.ts";
import type { Sources } from "../sources.ts";
import type { Variables } from "../interpolate.ts";
import type { Place, Reader } from "./place.ts";

/** One Compose file on its way to a definition. */
export interface Project {
  /** Name of the service that it becomes. */
  readonly service: string;
  /** What Compose calls it; volumes and networks begin with it. */
  readonly name: string;
  readonly root: Place;
  readonly reader: Reader;
  readonly findings: Findings;
  readonly sources: Sources;
  readonly variables: Variables;
  /** Names of components by what they are called in the file. */
  readonly components: ReadonlyMap<string, string>;
  /** Services of the file that become no components, and why. */
  readonly absent: ReadonlyMap<string, string>;
}

/** One field of one service, and whom it is about. */
export interface Field {
  readonly project: Project;
  readonly draft: Draft;
  /** The whole service. */
  readonly whole: Place;
  readonly place: Place;
}

/** An entry of a table of the file itself, e.g. `volumes.data`. */
export function topLevel(project: Project, table: string, name: string): Place | undefined {
  const { reader, root } = project;
  const place = reader.entry(root, table);
  return place && reader.entry(place, name);
}

/** What a volume or network of the file is called on a machine. */
export function resourceName(project: Project, name: string, place: Place | undefined): string {
  const { reader } = project;
  const text = place && reader.textOf(place, "name");
  if (text !== undefined && text !== "") return text;
  if (place === undefined || !isExternal(project, place)) return `${project.name}_${name}`;
  // An older form says its name here.
  const external = reader.entry(place, "external");
  const older = external && reader.entry(external, "name");
  return (older && reader.text(older)) ?? name;
}

/** Whether somebody else makes it. */
export function isExternal({ reader }: Project, place: Place): boolean {
  const external = reader.said(place, "external");
  if (external === undefined) return false;
  return external.value.kind === "map" || reader.flag(external) === true;
}
