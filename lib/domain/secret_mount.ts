/**
 * A secret as a component sees it: a file. Never a variable, which everybody could look up.
 *
 * Its value is nowhere in a spec. It is read on the workstation, sent with a deploy, and kept by the
 * container runtime; the node remembers which version of it a container was made with.
 *
 * @module
 */

import type { Complaint, KeyPath } from "./complaint.ts";
import { isName, nameRule } from "./names.ts";

/** A secret that is mounted into a container. */
export interface SecretMount {
  readonly name: string;
  /** Absolute path in the container. */
  readonly target: string;
  /** Permission bits, e.g. 0o400. */
  readonly mode: number;
  /** Who owns the file, by the container's numbers. */
  readonly uid: number;
  readonly gid: number;
}

/** The largest secret, in bytes: what podman takes, which takes no empty one either. */
export const maxSecretBytes = 511_999;

/** The permission bits of a secret that says nothing about them. */
export const defaultSecretMode = 0o400;

/** Where a secret is mounted that says nothing about it. */
export function defaultSecretTarget(name: string): string {
  return `/run/secrets/${name}`;
}

// deno-lint-ignore no-control-regex -- control characters are what is looked for
const targetPattern = /^(\/(?!\.{1,2}(\/|$))[^/,\s\u0000-\u001f\u007f]+)+$/;
const largestId = 2 ** 32 - 2;

/** Everything about the secrets of one component that can never work. */
export function complaintsAboutSecrets(
  secrets: readonly SecretMount[],
  path: KeyPath,
): Complaint[] {
  const complaints: Complaint[] = [];
  const names = new Set<string>();
  const targets = new Set<string>();
  secrets.forEach(({ name, target, mode, uid, gid }, at) => {
    const check = (ok: boolean, key: string, expected: string, found: unknown) => {
      if (!ok) {
        complaints.push({ path: [...path, at, key], expected, found: JSON.stringify(found) });
      }
    };
    check(isName(name), "name", `a secret's name (${nameRule})`, name);
    check(!names.has(name), "name", "a name of its own", name);
    check(
      targetPattern.test(target) && target.length <= 1024,
      "target",
      "an absolute path in the container",
      target,
    );
    check(!targets.has(target), "target", "a path of its own", target);
    check(Number.isInteger(mode) && mode >= 0 && mode <= 0o777, "mode", "permission bits", mode);
    for (const [key, id] of [["uid", uid], ["gid", gid]] as const) {
      check(Number.isInteger(id) && id >= 0 && id <= largestId, key, "a number", id);
    }
    names.add(name);
    targets.add(target);
  });
  return complaints;
}
