/**
 * Secrets of a component: one Secret of Kubernetes for each component, whose keys are files.
 *
 * Not one for the service: podman 4.3 shows all keys of a Secret to whoever mounts one, each under its
 * own name, so that a key is called as the file is to be.
 *
 * @module
 */

import { basename, dirname } from "node:path/posix";
import type { SecretMount } from "../../../lib/domain/secret_mount.ts";
import type { Mount, PodDraft } from "./pod_draft.ts";

/** Where a secret lies unless it is said: a folder that can be mounted as a whole. */
const secretsFolder = "/run/secrets";

/** Keys of the Secret, in the order of the secrets; undefined: no path can be mounted that has a ":". */
function keysOf(secrets: readonly SecretMount[]): readonly (string | undefined)[] {
  const taken = new Set<string>();
  return secrets.map(({ name, target }) => {
    if (target.includes(":")) return undefined;
    const file = basename(target);
    let key = /^[A-Za-z0-9._-]+$/.test(file) && !taken.has(file) ? file : name;
    while (taken.has(key)) key = `${key}_`;
    taken.add(key);
    return key;
  });
}

function secretName({ name }: PodDraft): string {
  return `${name}-secrets`;
}

/** Tells how they come there, and what is lost of them. */
export function tellOfSecrets(draft: PodDraft): void {
  const { component: { secrets }, tell } = draft;
  if (secrets.length === 0) return;
  const keys = keysOf(secrets);
  const lost = secrets.filter((_, at) => keys[at] === undefined);
  if (lost.length > 0) {
    tell.leftOut("secrets", `no path with ":": ${lost.map(({ name }) => name).join(", ")}`);
  }
  const files = keys.flatMap((key) => key === undefined ? [] : `--from-file=${key}=FILE`);
  if (files.length === 0) return;
  const create = `kubectl create secret generic ${secretName(draft)} ${files.join(" ")}`;
  tell.needs(
    "secrets",
    `there must be a Secret ${secretName(draft)}`,
    `Run \`${create}\`; podman: \`… --dry-run=client -o yaml | podman kube play -\``,
  );
  tell.changed(
    "secrets",
    "podman 4.3 shows the values as base64, and to all in the container, whatever their mode",
  );
  const elsewhere = secrets.filter(({ target }) => dirname(target) !== secretsFolder);
  if (elsewhere.length > 0) {
    tell.changed(
      "secrets",
      `${
        elsewhere.map(({ target }) => target).join(", ")
      }: by subPath, which podman 4.3 does not know`,
      `For it, have them in ${secretsFolder}`,
    );
  }
  const owned = secrets.filter(({ uid, gid }) => uid !== 0 || gid !== 0).map(({ name }) => name);
  if (owned.length > 0) {
    tell.leftOut(
      "secrets",
      `the owners of ${owned.join(", ")}: the files are root's`,
      "Let them be read by all with a mode like 0444, or by a group with fsGroup",
    );
  }
}

/**
 * Those in their usual folder are mounted with it. All others lie beside files of the image, and each
 * is mounted over its own path.
 */
export function secretMounts(draft: PodDraft): Mount[] {
  const { component: { secrets } } = draft;
  const keys = keysOf(secrets);
  const keyed = secrets.flatMap((secret, at) => {
    const key = keys[at];
    return key === undefined ? [] : [{ ...secret, key }];
  });
  const sourceOf = (mounted: typeof keyed): Mount["source"] => ({
    secret: {
      secretName: secretName(draft),
      items: mounted.map(({ key, target, mode }) => ({ key, path: basename(target), mode })),
      // podman 4.3 ends with a panic where this is not said.
      optional: false,
    },
  });
  const usual = keyed.filter(({ target }) => dirname(target) === secretsFolder);
  const others = keyed.filter((secret) => !usual.includes(secret));
  return [
    ...(usual.length === 0
      ? []
      : [{ source: sourceOf(usual), target: secretsFolder, readOnly: true }]),
    ...others.map((secret) => ({
      source: sourceOf([secret]),
      target: secret.target,
      readOnly: true,
      subPath: basename(secret.target),
    })),
  ];
}
