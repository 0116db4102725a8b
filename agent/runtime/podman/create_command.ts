/**
 * The command line that made a container, as podman remembers it, apart.
 *
 * It tells what somebody asked for; an inspection tells what came of it, with what podman and its
 * configuration have added. Containers that were made through podman's API have none.
 *
 * @module
 */

import { fieldNames, rowOf } from "../../../lib/domain/component_fields.ts";

/** What was asked of podman. */
export interface CreateCommand {
  /** What a flag was given, in order; by its long name, without dashes. */
  values(flag: string): readonly string[];
  /** Whether one of these flags was given. */
  has(...flags: readonly string[]): boolean;
  /** All flags that were given. */
  readonly flags: readonly string[];
}

/** Short flags, and those with two names. */
const longNames: Readonly<Record<string, string>> = {
  P: "publish-all",
  a: "attach",
  c: "cpu-shares",
  d: "detach",
  e: "env",
  h: "hostname",
  i: "interactive",
  l: "label",
  m: "memory",
  p: "publish",
  q: "quiet",
  t: "tty",
  u: "user",
  v: "volume",
  w: "workdir",
  net: "network",
  "dns-opt": "dns-option",
};

/** Flags that stand alone, or have their value behind "=". */
const switches: ReadonlySet<string> = new Set([
  ...fieldNames.filter((field) => rowOf(field).type === "flag")
    .flatMap((field) => rowOf(field).podman?.slice(2) ?? []),
  "detach",
  "disable-content-trust",
  "env-host",
  "help",
  "http-proxy",
  "init",
  "interactive",
  "no-healthcheck",
  "no-hostname",
  "no-hosts",
  "oom-kill-disable",
  "passwd",
  "publish-all",
  "quiet",
  "read-only-tmpfs",
  "replace",
  "rm",
  "rmi",
  "rootfs",
  "sig-proxy",
  "tls-verify",
  "tty",
  "unsetenv-all",
]);

/** The command line apart, or undefined when there is none. */
export function readCreateCommand(words: readonly string[]): CreateCommand | undefined {
  const at = words.findIndex((word) => word === "run" || word === "create");
  if (at === -1) return undefined;
  const given = new Map<string, string[]>();
  const add = (name: string, value: string) => {
    const flag = longNames[name] ?? name;
    if (switches.has(flag) && ["false", "0", "f"].includes(value.toLowerCase())) return;
    given.set(flag, [...(given.get(flag) ?? []), value]);
  };
  const rest = words.slice(at + 1);
  while (rest.length > 0) {
    const word = rest.shift() ?? "";
    // Behind it come the image and the container's own command.
    if (!word.startsWith("-") || word === "-" || word === "--") break;
    const { name, value } = splitFlag(word);
    if (name.length > 0 && !word.startsWith("--")) readShort(word.slice(1), rest, add);
    else if (value !== undefined) add(name, value);
    else if (switches.has(longNames[name] ?? name)) add(name, "true");
    else add(name, rest.shift() ?? "");
  }
  return {
    values: (flag) => given.get(flag) ?? [],
    has: (...flags) => flags.some((flag) => given.has(flag)),
    flags: [...given.keys()],
  };
}

/** "-d", "-it", "-p 80:80", "-p80:80", "-e=A=b". */
function readShort(
  cluster: string,
  rest: string[],
  add: (name: string, value: string) => void,
): void {
  for (const [at, letter] of [...cluster].entries()) {
    if (switches.has(longNames[letter] ?? letter)) {
      add(letter, "true");
      continue;
    }
    const value = cluster.slice(at + 1).replace(/^=/, "");
    add(letter, value === "" ? rest.shift() ?? "" : value);
    return;
  }
}

function splitFlag(word: string): { readonly name: string; readonly value: string | undefined } {
  const text = word.replace(/^--?/, "");
  const at = text.indexOf("=");
  return at === -1
    ? { name: text, value: undefined }
    : { name: text.slice(0, at), value: text.slice(at + 1) };
}
