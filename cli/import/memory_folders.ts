/**
 * Folders in memory.
 *
 * @module
 */

import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";
import { memoryOf } from "./memory.ts";

const knownOption = /^(mode=[0-7]{3,4}|ro|rw|exec|noexec|suid|nosuid|dev|nodev)$/;

/** Adds "path[:options]"; options that a definition does not know are told. */
export function pushTmpfs(draft: Draft, text: string, origin: Origin): void {
  const [path = "", ...rest] = text.split(":");
  const options: string[] = [];
  for (const option of rest.join(":").split(",").filter((each) => each !== "")) {
    const size = /^size=(.*)$/.exec(option)?.[1];
    if (size !== undefined) {
      const amount = memoryOf(size);
      if (amount === undefined) draft.mistake(origin, "expected a size like 64m");
      else options.push(`size=${amount}`);
    } else if (knownOption.test(option)) {
      options.push(option);
    } else {
      draft.leftOut(origin, `${JSON.stringify(option)} of a folder in memory`);
    }
  }
  const target = path.length > 1 ? path.replace(/\/+$/, "") : path;
  draft.push("tmpfs", options.length === 0 ? target : `${target}:${options.join(",")}`, origin);
}

/** Shared memory is a folder in memory like any other. */
export function shareMemory(draft: Draft, text: string, origin: Origin): void {
  const size = memoryOf(text);
  if (size === undefined) return draft.mistake(origin, 'expected a size like "128m"');
  const folder = `/dev/shm:size=${size}`;
  draft.push("tmpfs", folder, origin);
  draft.changed(origin, `its shared memory is the folder ${JSON.stringify(folder)} of \`tmpfs\``);
}
