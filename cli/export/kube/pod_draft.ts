/**
 * A component on its way to a pod: what each writer of fields adds to.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { NoteTaker } from "../notes.ts";
import type { Yaml } from "./yaml_text.ts";

/** A mapping that is still being written. */
export type Writable = { [key: string]: Yaml | undefined };

/** A component on its way to a pod. */
export interface PodDraft {
  readonly component: ComponentSpec;
  readonly tell: NoteTaker;
  /** Of the workload and its Service. */
  readonly name: string;
  /** What a volume of podman is called as a claim. */
  claimName(volume: string): string;
  readonly labels: Writable;
  readonly annotations: Writable;
  readonly spec: Writable;
  readonly container: Writable;
  readonly security: Writable;
}

/** A volume of a pod, and where it is mounted. */
export interface Mount {
  readonly source: { readonly [key: string]: Yaml };
  readonly target: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
}
