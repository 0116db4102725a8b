/**
 * The machine that is installed on, as far as this room touches it.
 *
 * @module
 */

import type { Clock } from "../../../lib/system/clock.ts";
import type { Exec } from "../../../lib/system/exec.ts";
import type { FileContents, Files } from "../../../lib/system/files.ts";
import type { Layout } from "./layout.ts";

/** What installing needs of the outside world. */
export interface Machine {
  /** "" on a machine; a folder in tests. */
  readonly root: string;
  readonly layout: Layout;
  readonly isRoot: boolean;
  /** This program and where it is unpacked; undefined when it runs from its source. */
  readonly program: BuiltProgram | undefined;
  /** What is put on nodes besides the program. */
  readonly nodeFiles: NodeFiles;
  readonly exec: Exec;
  readonly files: Files & FileContents;
  readonly clock: Clock;
  /** Whether somebody takes connections there. */
  readonly answers: (hostname: string, port: number) => Promise<boolean>;
}

/** A program as a build makes it. */
export interface BuiltProgram {
  /** The one file that people copy. */
  readonly executable: string;
  /** The folder that it is unpacked into; its name stands for its content. */
  readonly runtime: string;
}

/** The texts of `deploy/node/`. */
export interface NodeFiles {
  /** Units by their file name. */
  readonly units: ReadonlyMap<string, string>;
  readonly sysusers: string;
  readonly tmpfiles: string;
  readonly containersConf: string;
  readonly storageConf: string;
}
