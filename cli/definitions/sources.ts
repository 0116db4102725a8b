/**
 * What a definition says elsewhere: in files of variables, and in the places where secrets are kept.
 *
 * @module
 */

import { type Complaint, formatKeyPath, type KeyPath } from "../../lib/domain/complaint.ts";

/** A file of variables of one component. */
export interface EnvFile {
  readonly component: string;
  /** Relative to the folder of the definition. */
  readonly path: string;
  /** Where the definition names it. */
  readonly line: number;
}

/** Where the value of a secret is. */
export type SecretOrigin =
  /** Relative to the folder of the definition. */
  | { readonly file: string }
  /** A program that prints it, and its arguments. */
  | { readonly command: readonly string[] };

/** A secret that one component mounts. */
export interface SecretSource {
  readonly component: string;
  readonly name: string;
  /** Undefined: it is mounted as it is on the node. */
  readonly from: SecretOrigin | undefined;
  readonly line: number;
}

/** All that is still to be read of a definition. */
export interface Sources {
  /** The definition's own path. */
  readonly file: string;
  /** In the order in which they are read: of one variable the later value counts. */
  readonly envFiles: readonly EnvFile[];
  readonly secrets: readonly SecretSource[];
}

/** A secret as it is written, and where. */
export interface PlacedSecret {
  readonly path: KeyPath;
  readonly name: string;
  readonly file?: string | undefined;
  readonly command?: readonly string[] | undefined;
}

/** Secrets that are said to come from two places. */
export function complaintsAboutSources(secrets: readonly PlacedSecret[]): Complaint[] {
  const complaints: Complaint[] = [];
  const first = new Map<string, PlacedSecret>();
  for (const secret of secrets) {
    const { path, name, file, command } = secret;
    if (file !== undefined && command !== undefined) {
      complaints.push({
        path: [...path, "command"],
        expected: "a file or a command",
        found: "both",
      });
      continue;
    }
    if (command?.[0] === "") {
      complaints.push({ path: [...path, "command", 0], expected: "a program", found: "nothing" });
    }
    if (file === undefined && command === undefined) continue;
    const other = first.get(name);
    if (other === undefined) first.set(name, secret);
    else if (JSON.stringify([other.file, other.command]) !== JSON.stringify([file, command])) {
      complaints.push({
        path,
        expected: `a secret to come from one place (see ${formatKeyPath(other.path)})`,
        found: "another one",
      });
    }
  }
  return complaints;
}
