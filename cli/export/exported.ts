/**
 * What an export is: files in the format of another tool, and what became of each part of the spec.
 *
 * @module
 */

import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import type { Fate } from "../output/fates.ts";

/** The formats of other tools. */
export const foreignFormats = ["kube", "quadlet"] as const;

/** One of {@link foreignFormats}. */
export type ForeignFormat = (typeof foreignFormats)[number];

/** One file of an export. */
export interface ExportedFile {
  /** Within the folder that it is written into. */
  readonly name: string;
  readonly text: string;
}

/** One thing that an export tells. */
export interface Note {
  readonly fate: Fate;
  /** Undefined: it is about the whole service. */
  readonly component: string | undefined;
  /** What the definition calls it, e.g. "depends_on". */
  readonly key: string;
  /** What happened, a sentence without a full stop. */
  readonly what: string;
  /** What to do about it; empty when nothing need be done. */
  readonly todo: string;
}

/** A service in the format of another tool. */
export interface Exported {
  readonly files: readonly ExportedFile[];
  readonly notes: readonly Note[];
}

/** Turns a service that makes sense into the files of another tool. */
export type Exporter = (spec: ServiceSpec) => Exported;
