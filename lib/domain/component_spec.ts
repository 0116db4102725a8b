/**
 * What the operator asks for of one container; what makes no sense is told by
 * `component_complaints.ts`.
 *
 * @module
 */

import { defaultOf, fieldNames, type FieldsByName } from "./component_fields.ts";

/** One container of a service, fully defaulted. What its fields mean is said in `component_fields.ts`. */
export interface ComponentSpec extends FieldsByName {}

/** What is meant by what a component leaves out. */
export const componentDefaults: Omit<ComponentSpec, "name" | "image"> = Object.fromEntries(
  fieldNames.filter((field) => field !== "name" && field !== "image")
    .map((field) => [field, defaultOf(field)]),
) as unknown as ComponentSpec;

/** What `restart` means when it is not written: a job that has ended is not run again. */
export function restartWhenUnwritten(kind: ComponentSpec["kind"]): string {
  return kind === "job" ? "no" : componentDefaults.restart;
}
