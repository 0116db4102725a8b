/**
 * The versions of secrets that the runtime keeps, and which of them revisions were made with.
 *
 * A value is not here, nor anything that it could be guessed by: its hash is made with a key that is
 * kept beside the registry, and in none of its snapshots.
 *
 * @module
 */

import { secretVersionName } from "../../lib/domain/secret_name.ts";
import type { Registry } from "./registry.ts";
import { number, type Row, sql, text, word } from "./row.ts";

/** Versions of secrets, by the secrets' names. */
export type SecretVersions = Readonly<Record<string, number>>;

/** One version of a secret that the runtime keeps. */
export interface SecretVersion {
  readonly service: string;
  readonly name: string;
  /** Counted per secret from 1. */
  readonly version: number;
  readonly runtimeName: string;
  /** Equal values of one secret have equal ones; empty = the value was never known. */
  readonly hmac: string;
}

/** What a component of a revision was made from, as far as it matters for keeping secrets. */
export interface SecretUse {
  readonly component: string;
  readonly revision: number;
  readonly imageId: string;
  readonly versions: SecretVersions;
  readonly outcome: "running" | "good" | "bad";
  /** Whether the component's container was made from it. */
  readonly isDeployed: boolean;
}

/** Remembers a version that the runtime keeps now. */
export function rememberSecret(registry: Registry, secret: SecretVersion, now: Date): void {
  registry.run(...sql`INSERT INTO secret_versions
       (service, name, version, runtime_name, hmac, created_at)
     VALUES (${secret.service}, ${secret.name}, ${secret.version}, ${secret.runtimeName},
     ${secret.hmac}, ${now})`);
}

/** Remembers that the runtime does not keep a version any more; its number stays taken. */
export function forgetSecret(
  registry: Registry,
  { service, name, version }: SecretVersion,
): void {
  registry.run(...sql`UPDATE secret_versions SET runtime_name = '', hmac = ''
     WHERE service = ${service} AND name = ${name} AND version = ${version}`);
}

/** The versions of a service's secrets that the runtime keeps, by name and age. */
export function listSecrets(registry: Registry, service: string): SecretVersion[] {
  return registry.all(...sql`SELECT * FROM secret_versions
     WHERE service = ${service} AND runtime_name <> ''
     ORDER BY name, version`).map(toSecret);
}

/** The highest version that a secret ever had; 0 = none. */
export function lastSecretVersion(registry: Registry, service: string, name: string): number {
  const row = registry.get(...sql`SELECT coalesce(max(version), 0) AS last FROM secret_versions
     WHERE service = ${service} AND name = ${name}`) ?? {};
  return number(row, "last");
}

/** The services that have secrets. */
export function servicesWithSecrets(registry: Registry): string[] {
  return registry.all(
    "SELECT DISTINCT service FROM secret_versions WHERE runtime_name <> '' ORDER BY service",
  ).map((row) => text(row, "service"));
}

/** What the runtime calls versions of a service's secrets, or would, were they not gone. */
export function secretNames(
  registry: Registry,
  service: string,
  versions: SecretVersions,
): Record<string, string> {
  if (Object.keys(versions).length === 0) return {};
  const known = listSecrets(registry, service);
  return Object.fromEntries(
    Object.entries(versions).map(([secret, version]) => [
      secret,
      known.find((each) => each.name === secret && each.version === version)?.runtimeName ??
        secretVersionName({ service, secret, version }),
    ]),
  );
}

/** Everything that components of a service, as far as there are any left, were made with. */
export function listSecretUses(registry: Registry, service: string): SecretUse[] {
  const rows = registry.all(...sql`SELECT
       r.component, r.revision, r.image_id, r.secrets, r.outcome,
       d.revision IS NOT NULL AS is_deployed
     FROM revision_components r
     JOIN components c ON c.service = r.service AND c.name = r.component
     LEFT JOIN deployments d
       ON d.service = r.service AND d.component = r.component AND d.revision = r.revision
     WHERE r.service = ${service} ORDER BY r.revision DESC`);
  return rows.map((row) => ({
    component: text(row, "component"),
    revision: number(row, "revision"),
    imageId: text(row, "image_id"),
    versions: readVersions(row),
    outcome: outcomeOf(row),
    isDeployed: number(row, "is_deployed") !== 0,
  }));
}

function outcomeOf(row: Row): SecretUse["outcome"] {
  const outcome = word(row, "outcome", ["running", "succeeded", "kept", "failed", "interrupted"]);
  if (outcome === "running") return outcome;
  return outcome === "succeeded" || outcome === "kept" ? "good" : "bad";
}

/** The column `secrets` of a revision's component. */
export function readVersions(row: Row): SecretVersions {
  const stored: unknown = JSON.parse(text(row, "secrets"));
  if (typeof stored !== "object" || stored === null) {
    throw new TypeError("Registry column secrets is no table");
  }
  return Object.fromEntries(
    Object.keys(stored).map((name) => [name, number(stored as Row, name)]),
  );
}

function toSecret(row: Row): SecretVersion {
  return {
    service: text(row, "service"),
    name: text(row, "name"),
    version: number(row, "version"),
    runtimeName: text(row, "runtime_name"),
    hmac: text(row, "hmac"),
  };
}
