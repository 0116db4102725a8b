/**
 * Decides with which version of each of its secrets a component is made.
 *
 * Pure: it is given hashes in the place of values. Where a value came with the request, equal values
 * are equal versions; where none came, the secret is taken as it is on the node. A component that
 * goes back to an earlier time gets the versions of that time, and no other.
 *
 * @module
 */

import { parseSecretVersionName, secretVersionName } from "../../../lib/domain/secret_name.ts";
import type { SecretVersion, SecretVersions } from "../../registry/secrets.ts";

/** A component that is to be made. */
export interface SecretUser {
  readonly component: string;
  /** Names of the secrets that it mounts. */
  readonly secrets: readonly string[];
  /** What its container was made with; undefined = never deployed. */
  readonly deployed:
    | {
      readonly versions: SecretVersions;
      /** The secrets of a container that was made by hand, by their names at the runtime. */
      readonly byHand: readonly string[];
    }
    | undefined;
  /** The revision that it goes back to. */
  readonly past:
    | { readonly revision: number; readonly versions: SecretVersions }
    | undefined;
}

/** Which version it is. */
export type SecretChoice =
  | { readonly kind: "version"; readonly version: number }
  /** A value that no version has. */
  | { readonly kind: "new"; readonly hmac: string }
  /** One that the runtime keeps and the registry does not know. */
  | { readonly kind: "found"; readonly runtimeName: string };

/** A secret that a component cannot be given. */
export interface MissingSecret {
  readonly component: string;
  readonly secret: string;
  /** The revision whose version of it is gone; undefined = there is no value at all. */
  readonly revision: number | undefined;
}

/** What there is to choose from. */
export interface SecretStock {
  readonly service: string;
  /** What the registry knows. */
  readonly known: readonly SecretVersion[];
  /** Names of what the runtime keeps. */
  readonly kept: ReadonlySet<string>;
  /** Of the values that came with the request, by the secrets' names. */
  readonly hmacs: ReadonlyMap<string, string>;
}

/** What was chosen for each component, by the secrets' names, and what is missing. */
interface SecretChoices {
  readonly chosen: ReadonlyMap<string, ReadonlyMap<string, SecretChoice>>;
  readonly missing: readonly MissingSecret[];
}

/** Chooses for all components at once, so that all that is missing can be told at once. */
export function chooseSecrets(
  users: readonly SecretUser[],
  stock: SecretStock,
): SecretChoices {
  const missing: MissingSecret[] = [];
  const chosen = new Map(users.map((user) => {
    const { component, past } = user;
    const choices = user.secrets.flatMap((secret): [string, SecretChoice][] => {
      const choice = past === undefined
        ? chooseOne(secret, user, stock)
        : choosePast(secret, user, past.versions, stock);
      if (choice !== undefined) return [[secret, choice]];
      missing.push({ component, secret, revision: past?.revision });
      return [];
    });
    return [component, new Map(choices)];
  }));
  return { chosen, missing };
}

function chooseOne(
  secret: string,
  user: SecretUser,
  stock: SecretStock,
): SecretChoice | undefined {
  const usable = usableVersions(secret, stock);
  const hmac = stock.hmacs.get(secret);
  if (hmac !== undefined) {
    const same = usable.findLast((known) => known.hmac === hmac);
    return same === undefined ? { kind: "new", hmac } : { kind: "version", version: same.version };
  }
  const current = usable.find(({ version }) => user.deployed?.versions[secret] === version);
  const version = (current ?? usable.at(-1))?.version;
  return version === undefined ? find(secret, user, stock) : { kind: "version", version };
}

function choosePast(
  secret: string,
  user: SecretUser,
  past: SecretVersions,
  stock: SecretStock,
): SecretChoice | undefined {
  const version = past[secret];
  // What was adopted was made with secrets that were not counted yet.
  if (version === undefined) return find(secret, user, stock);
  return usableVersions(secret, stock).some((known) => known.version === version)
    ? { kind: "version", version }
    : undefined;
}

/** The known versions that the runtime really keeps, oldest first. */
function usableVersions(secret: string, { known, kept }: SecretStock): SecretVersion[] {
  return known.filter(({ name, runtimeName }) => name === secret && kept.has(runtimeName))
    .sort((one, other) => one.version - other.version);
}

/** One that is there all the same: of an earlier registry, or of a container that was adopted. */
function find(
  secret: string,
  { deployed }: SecretUser,
  { service, kept }: SecretStock,
): SecretChoice | undefined {
  if (deployed?.byHand.includes(secret) && kept.has(secret)) {
    return { kind: "found", runtimeName: secret };
  }
  const version = newestKept(service, secret, kept);
  return version === 0
    ? undefined
    : { kind: "found", runtimeName: secretVersionName({ service, secret, version }) };
}

/** The highest version that the runtime keeps by a name of ours; 0 = none. */
function newestKept(service: string, secret: string, kept: ReadonlySet<string>): number {
  const versions = [...kept].flatMap((name) => {
    const named = parseSecretVersionName(name);
    return named?.service === service && named.secret === secret ? [named.version] : [];
  });
  return Math.max(0, ...versions);
}

/**
 * The number of a secret's next version, which no other ever had.
 *
 * @param last The highest that the registry remembers; an earlier registry may have known higher ones.
 */
export function nextVersion(
  secret: string,
  last: number,
  { service, kept }: Pick<SecretStock, "service" | "kept">,
): number {
  let next = Math.max(last, newestKept(service, secret, kept)) + 1;
  // An abridged name does not say whose it is.
  while (kept.has(secretVersionName({ service, secret, version: next }))) next++;
  return next;
}

/**
 * Versions by names of ours that no registry knows, and that a known one has taken the place of: what
 * a run left behind that did not live to remember it.
 */
export function leftBehind(
  { service, known, kept }: Pick<SecretStock, "service" | "known" | "kept">,
): string[] {
  const names = new Set(known.map(({ runtimeName }) => runtimeName));
  return [...kept].filter((name) => {
    const named = parseSecretVersionName(name);
    return named?.service === service && !names.has(name) &&
      known.some((each) => each.name === named.secret && each.version > named.version);
  });
}

/** A choice as an operator may read it, beside the version that is deployed. */
export function describeChoice(choice: SecretChoice): string {
  switch (choice.kind) {
    case "version":
      return describeVersion(choice.version);
    case "new":
      return "changed";
    case "found":
      return describeVersion(undefined);
  }
}

/** A version as an operator may read it. */
export function describeVersion(version: number | undefined): string {
  return version === undefined ? "as it was found" : `version ${version}`;
}
