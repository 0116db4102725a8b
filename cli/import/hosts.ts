/**
 * Names under which components reach each other.
 *
 * On a network of podman a container is found by its own name, which is the service's and the
 * component's. What the components were called before is replaced where it can only be a host.
 *
 * @module
 */

import type { Draft } from "./draft.ts";
import type { Findings } from "./findings.ts";

const hostVariable =
  /(HOST|HOSTS|HOSTNAME|SERVER|SERVERS|ADDR|ADDRESS|URL|URI|ENDPOINT|UPSTREAM|BROKER)$/i;

/**
 * Replaces the hosts in the environment and the command lines.
 *
 * @param containers Containers by what they were called before.
 */
export function renameHosts(
  drafts: readonly Draft[],
  containers: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  const renamed = [...containers].filter(([before, now]) => before !== now && before !== "");
  if (renamed.length === 0) return;
  tellOfNames(drafts, findings);
  for (const draft of drafts) {
    for (const [name, value] of Object.entries(draft.spec.env)) {
      const [text, used] = replaced(value, renamed, hostVariable.test(name));
      if (used.length === 0) continue;
      const origin = draft.originOf(["env", name]);
      draft.putIn("env", name, text, origin);
      draft.changed(origin, hostsSentence(used));
    }
    for (const field of ["entrypoint", "cmd"] as const) {
      const words = draft.spec[field].map((word) => replaced(word, renamed, false));
      const used = [...new Set(words.flatMap(([_, names]) => names))];
      if (used.length === 0) continue;
      const origin = draft.originOf([field]);
      draft.put(field, words.map(([word]) => word), origin);
      draft.changed(origin, hostsSentence(used));
    }
  }
}

/** What stands in files and images cannot be seen from here. */
function tellOfNames(drafts: readonly Draft[], findings: Findings): void {
  const [first, second] = drafts.filter(({ spec }) => !["", "host", "none"].includes(spec.network));
  if (first === undefined || second === undefined) return;
  findings.needs(
    { ...first.origin, key: "" },
    "components find each other by the names of their containers, <service>-<component>",
    "Look for the names they had before in the files that you bring along",
  );
}

function hostsSentence(used: readonly string[]): string {
  return `the host ${used.join(", the host ")}: so its container is called`;
}

/** The text with hosts replaced, and what became of which. The rest of it is never repeated. */
function replaced(
  text: string,
  renamed: readonly (readonly [string, string])[],
  mayBeHost: boolean,
): readonly [string, readonly string[]] {
  const used: string[] = [];
  const names = new Map(renamed);
  const swap = (before: string): string => {
    const now = names.get(before);
    if (now === undefined) return before;
    used.push(`${before} became ${now}`);
    return now;
  };
  const whole = text.trim();
  if (mayBeHost && names.has(whole)) return [swap(whole), used];
  // Behind "//", with or without a user; and where a port follows.
  const host = "[a-zA-Z0-9][a-zA-Z0-9_.-]*";
  const result = text
    .replaceAll(
      new RegExp(`(//(?:[^@/\\s]{0,500}@)?)(${host})(?=[:/?#\\s,"']|$)`, "g"),
      (_, before: string, name: string) => `${before}${swap(name)}`,
    )
    .replaceAll(
      new RegExp(`(^|[\\s,=;(])(${host})(?=:\\d{1,5}(?:[/\\s,;)]|$))`, "g"),
      (_, before: string, name: string) => `${before}${swap(name)}`,
    );
  return [result, [...new Set(used)]];
}
