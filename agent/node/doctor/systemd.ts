/**
 * What systemd prints and reads, decoded. Pure.
 *
 * @module
 */

import type { GrantComparison } from "../../grants.ts";
import { parseProperties } from "../install/unit_states.ts";
import type { UnitState } from "./facts.ts";

/** The units of `systemctl show --property=Id,LoadState,UnitFileState,ActiveState`. */
export function parseUnits(output: string): UnitState[] {
  return [...parseProperties(output)].map(([name, values]) => ({
    name,
    enabled: values.get("LoadState") === "not-found" ? undefined : values.get("UnitFileState"),
    active: values.get("ActiveState") ?? "",
  }));
}

/**
 * The permissions that a unit grants, compared with those that are needed.
 *
 * @param unit The text of a unit or a drop-in; of several commands, the last one counts.
 */
export function compareWithUnit(needed: readonly string[], unit: string): GrantComparison {
  const command = unit.replaceAll(/\\\n\s*/g, " ").split("\n")
    .filter((line) => /^\s*ExecStart=\s*\S/.test(line)).at(-1) ?? "";
  const granted = wordsOf(command.replace(/^\s*ExecStart=/, ""))
    .filter((word) => /^--(allow|deny|no-prompt|ignore-env)/.test(word));
  return {
    missing: needed.filter((flag) => !granted.includes(flag)),
    broader: granted.filter((flag) => flag.startsWith("--allow-") && !needed.includes(flag)),
  };
}

/** The words of a command line as systemd reads it, as far as flags can need it. */
function wordsOf(command: string): string[] {
  const words = command.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? [];
  return words.map((word) => {
    const bare = /^".*"$|^'.*'$/.test(word) ? word.slice(1, -1) : word;
    return bare.replaceAll(/\\(.)/g, "$1").replaceAll("%%", "%").replaceAll("$$", "$");
  });
}
