/**
 * What Kubernetes makes of `$` in arguments and values of variables, and how to have it make nothing
 * of it: it puts variables of the container in for `$(NAME)`, and writes `$` for `$$`.
 *
 * podman's `kube play` puts nothing in and takes `$$` for what it is.
 *
 * @module
 */

/** A text for Kubernetes. */
interface Unexpanded {
  readonly text: string;
  /** Whether it is not the text itself, so that podman reads something else. */
  readonly isEscaped: boolean;
}

/**
 * The text, written so that Kubernetes reads it as it was. What it would not change stays.
 *
 * @param isVariable Whether the container has a variable of that name.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { unexpanded } from "./expansion.ts";
 *
 * const isVariable = (name: string) => name === "HOME";
 * deepStrictEqual(unexpanded("echo $(date) $HOME", isVariable).isEscaped, false);
 * deepStrictEqual(unexpanded("$(HOME) $1", isVariable), { text: "$$(HOME) $$1", isEscaped: true });
 * ```
 */
export function unexpanded(text: string, isVariable: (name: string) => boolean): Unexpanded {
  const isChanged = text.includes("$$") ||
    [...text.matchAll(/\$\(([^)]*)\)/g)].some(([_, name = ""]) => isVariable(name));
  return isChanged
    ? { text: text.replaceAll("$", "$$$$"), isEscaped: true }
    : { text, isEscaped: false };
}
