/**
 * A secret of another tool as one of a definition.
 *
 * @module
 */

import { defaultSecretTarget } from "../../lib/domain/secret_mount.ts";
import { convertedName } from "./converted_name.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** A secret as another tool mounts it. */
interface WrittenSecret {
  readonly name: string;
  /** Where its value is on this machine; undefined: it is not known. */
  readonly file: string | undefined;
  /** A path, or the name of a file in /run/secrets; undefined: the secret's own. */
  readonly target: string | undefined;
  /** Permission bits; undefined: everybody in the container may read it. */
  readonly mode: number | undefined;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
}

/** What is to be done about a secret whose value is nowhere that is known. */
export const whereItComesFrom =
  'Write file = "…" or command = ["…"] into it, in `secrets` of the component';

/** Mounts it, as far as a definition can say how; whether it does. */
export function mountSecret(draft: Draft, written: WrittenSecret, origin: Origin): boolean {
  const { file, target = written.name, mode = 0o444 } = written;
  const name = convertedName(written.name, "secret");
  const path = target.startsWith("/") ? target : defaultSecretTarget(target);
  if (draft.spec.secrets.some((secret) => secret.name === name || secret.target === path)) {
    draft.leftOut(origin, `the secret ${written.name} a second time: each has a place of its own`);
    return false;
  }
  const isMode = mode > 0 && mode <= 0o777;
  if (!isMode) draft.leftOut(origin, "its permission bits, which are none that a file can have");
  const owner = (key: "uid" | "gid") => {
    const text = written[key] ?? "0";
    if (/^\d{1,9}$/.test(text)) return Number(text);
    draft.leftOut(origin, `the ${key} ${JSON.stringify(text)} of a secret: it is no number`);
    return 0;
  };
  draft.addSecret(
    {
      name,
      target: path.toWellFormed(),
      mode: isMode ? mode : 0o444,
      uid: owner("uid"),
      gid: owner("gid"),
    },
    file === undefined ? undefined : { file },
    origin,
  );
  if (name !== written.name) draft.changed(origin, `the secret ${written.name} is called ${name}`);
  return true;
}
