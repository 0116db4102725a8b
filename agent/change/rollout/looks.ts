/**
 * Looks at containers; those that are asked for together are one question.
 *
 * @module
 */

import type { ContainerDetail, ContainerRuntime } from "../../runtime/runtime.ts";
import { batched } from "./batched.ts";

/**
 * Looks at containers by their names.
 *
 * Components that prove themselves side by side are looked at in the same rhythm: without this, each
 * look would be a program of its own.
 *
 * @param signal Trips when the agent must end now.
 */
export function looksAt(
  runtime: Pick<ContainerRuntime, "inspect" | "inspectAll">,
  signal: AbortSignal,
): (container: string) => Promise<ContainerDetail | undefined> {
  return batched(async (names: readonly string[]) => {
    const [name, ...others] = names;
    if (name === undefined || others.length > 0) return await runtime.inspectAll(names, signal);
    const detail = await runtime.inspect(name, signal);
    return new Map(detail === undefined ? [] : [[name, detail]]);
  });
}
