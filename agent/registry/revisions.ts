/**
 * Revisions: every deploy, what it meant, and what became of it.
 *
 * @module
 */

import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { Registry } from "./registry.ts";
import { number, type Row, sql, text, time, word } from "./row.ts";
import { readVersions, type SecretVersions } from "./secrets.ts";
import { readSpec, storeSpec } from "./stored_spec.ts";

/**
 * How a revision, or one component of it, ended. What was "kept" was as it was asked for already:
 * its container is still the one of an earlier revision.
 */
export type RevisionOutcome = "succeeded" | "partial" | "failed" | "interrupted" | "kept";

/** How a revision came to be. */
export type RevisionOrigin = "deploy" | "rollback" | "adopt";

/** What a component's container was really made from. */
export interface Deployment {
  readonly revision: number;
  /** "adopt": the container was somebody else's, and no deploy removes it because it is unlisted. */
  readonly origin: RevisionOrigin;
  readonly spec: ComponentSpec;
  /** podman's id of the image that the reference meant then. */
  readonly imageId: string;
  /** Digest of that image's manifest; empty = not known. */
  readonly imageDigest: string;
  /** The version of each of its secrets. */
  readonly secrets: SecretVersions;
  readonly deployedAt: Date;
}

/** A deploy that never ended: the agent was killed in the middle of it. */
interface InterruptedRevision {
  readonly service: string;
  readonly revision: number;
  readonly actor: string;
  readonly startedAt: Date;
}

/** Begins a revision; returns its number, counted per service from 1. */
export function beginRevision(
  registry: Registry,
  revision: {
    readonly service: string;
    /** The only component deployed; undefined = all. */
    readonly component: string | undefined;
    readonly components: readonly ComponentSpec[];
    /** By component: the versions of its secrets. */
    readonly secrets?: ReadonlyMap<string, SecretVersions>;
    readonly actor: string;
    readonly origin: RevisionOrigin;
    readonly now: Date;
  },
): number {
  const row = registry.get(...sql`SELECT coalesce(max(number), 0) + 1 AS next FROM revisions
     WHERE service = ${revision.service}`) ?? {};
  const next = number(row, "next");
  registry.run(...sql`INSERT INTO revisions
       (service, number, component, actor, origin, started_at)
     VALUES (${revision.service}, ${next}, ${revision.component ?? ""}, ${revision.actor},
     ${revision.origin}, ${revision.now})`);
  for (const spec of revision.components) {
    const secrets = JSON.stringify(revision.secrets?.get(spec.name) ?? {});
    registry.run(...sql`INSERT INTO revision_components
         (service, revision, component, spec, secrets)
       VALUES (${revision.service}, ${next}, ${spec.name}, ${storeSpec(spec)}, ${secrets})`);
  }
  return next;
}

/** Records what became of one component of a revision. */
export function finishComponent(
  registry: Registry,
  component: {
    readonly service: string;
    readonly revision: number;
    readonly component: string;
    readonly outcome: "succeeded" | "failed" | "interrupted" | "kept";
    readonly imageId: string;
    readonly imageDigest?: string;
    /** How long nothing served; undefined = nothing was stopped. */
    readonly downtimeMs?: number | undefined;
    readonly error: string;
    readonly now: Date;
  },
): void {
  registry.run(...sql`UPDATE revision_components
     SET outcome = ${component.outcome}, image_id = ${component.imageId},
     image_digest = ${component.imageDigest ?? ""}, downtime_ms = ${component.downtimeMs},
     error = ${component.error}
     WHERE service = ${component.service} AND revision = ${component.revision}
     AND component = ${component.component}`);
  if (component.outcome !== "succeeded") return;
  registry.run(...sql`INSERT INTO deployments (service, component, revision, deployed_at)
     VALUES (${component.service}, ${component.component}, ${component.revision},
     ${component.now})
     ON CONFLICT (service, component)
     DO UPDATE SET revision = excluded.revision, deployed_at = excluded.deployed_at`);
}

/** Records how a whole revision ended. */
export function finishRevision(
  registry: Registry,
  service: string,
  revision: number,
  outcome: RevisionOutcome,
  now: Date,
): void {
  registry.run(...sql`UPDATE revisions SET outcome = ${outcome}, finished_at = ${now}
     WHERE service = ${service} AND number = ${revision}`);
}

/**
 * Marks the revisions that an earlier run of the agent left running, and returns them.
 *
 * Their components are left running until {@link markInOrder}: that takes longer, and this run may be
 * killed before it is done.
 */
export function markInterrupted(registry: Registry, now: Date): InterruptedRevision[] {
  return registry.transaction(() => {
    const interrupted = registry
      .all("SELECT * FROM revisions WHERE outcome = 'running' ORDER BY started_at")
      .map((row) => ({
        service: text(row, "service"),
        revision: number(row, "number"),
        actor: text(row, "actor"),
        startedAt: time(row, "started_at"),
      }));
    registry.run(...sql`UPDATE revisions SET outcome = 'interrupted', finished_at = ${now}
       WHERE outcome = 'running'`);
    return interrupted;
  });
}

/** The components of interrupted revisions that were not put in order since. */
export function unfinishedComponents(
  registry: Registry,
): { readonly service: string; readonly component: string }[] {
  return registry.all(
    `SELECT DISTINCT c.service, c.component FROM revision_components c
     JOIN revisions r ON r.service = c.service AND r.number = c.revision
     WHERE c.outcome = 'running' AND r.outcome = 'interrupted'`,
  ).map((row) => ({ service: text(row, "service"), component: text(row, "component") }));
}

/** Records that what an interrupted revision left of a component is in order. */
export function markInOrder(registry: Registry, service: string, component: string): void {
  registry.run(...sql`UPDATE revision_components SET outcome = 'interrupted'
     WHERE outcome = 'running' AND service = ${service} AND component = ${component}`);
}

/** What is deployed, by "service/component"; of one service when it is named. */
export function listDeployments(registry: Registry, service?: string): Map<string, Deployment> {
  // CROSS JOIN keeps SQLite to this order: else it goes through all that a service ever had.
  const select =
    `SELECT d.service, d.component, d.revision, d.deployed_at, r.spec, r.image_id, r.image_digest,
      r.secrets, v.origin
    FROM deployments d
    CROSS JOIN revision_components r
      ON r.service = d.service AND r.revision = d.revision AND r.component = d.component
    CROSS JOIN revisions v ON v.service = d.service AND v.number = d.revision`;
  const rows = service === undefined
    ? registry.all(select)
    : registry.all(`${select} WHERE d.service = ?`, service);
  return new Map(
    rows.map((row) => [`${text(row, "service")}/${text(row, "component")}`, toDeployment(row)]),
  );
}

/** What a revision deployed of one component, and with success: what can be gone back to. */
interface PastDeployment {
  readonly spec: ComponentSpec;
  readonly imageId: string;
  readonly imageDigest: string;
  readonly secrets: SecretVersions;
}

/**
 * What an earlier revision made, in the order of its components.
 *
 * @returns undefined when there is no such revision; `isWhole` when it was a deploy of all.
 */
export function pastDeployments(
  registry: Registry,
  service: string,
  revision: number,
): { readonly isWhole: boolean; readonly components: readonly PastDeployment[] } | undefined {
  const row = registry.get(...sql`SELECT component FROM revisions
     WHERE service = ${service} AND number = ${revision}`);
  if (row === undefined) return undefined;
  const rows = registry.all(...sql`SELECT * FROM revision_components
     WHERE service = ${service} AND revision = ${revision} ORDER BY rowid`);
  const succeeded = rows.filter((part) => ["succeeded", "kept"].includes(text(part, "outcome")));
  return {
    isWhole: text(row, "component") === "" && succeeded.length === rows.length,
    components: succeeded.map((part) => ({
      spec: readSpec(text(part, "spec")),
      imageId: text(part, "image_id"),
      imageDigest: text(part, "image_digest"),
      secrets: readVersions(part),
    })),
  };
}

/** How long each component did not serve when it was last replaced, in milliseconds. */
export function lastDowntimes(registry: Registry, service: string): Map<string, number> {
  const rows = registry.all(...sql`SELECT component, downtime_ms FROM revision_components
     WHERE service = ${service} AND downtime_ms IS NOT NULL AND outcome = 'succeeded'
     ORDER BY revision`);
  return new Map(rows.map((row) => [text(row, "component"), number(row, "downtime_ms")]));
}

function toDeployment(row: Row): Deployment {
  return {
    revision: number(row, "revision"),
    origin: word(row, "origin", ["deploy", "rollback", "adopt"]),
    spec: readSpec(text(row, "spec")),
    imageId: text(row, "image_id"),
    imageDigest: text(row, "image_digest"),
    secrets: readVersions(row),
    deployedAt: time(row, "deployed_at"),
  };
}
