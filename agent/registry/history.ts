/**
 * What was deployed when, by whom, and how it ended; and which images that leaves worth keeping.
 *
 * @module
 */

import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { RevisionOrigin, RevisionOutcome } from "./revisions.ts";
import type { Registry } from "./registry.ts";
import { number, optionalTime, type Row, sql, text, time, word } from "./row.ts";
import { readSpec } from "./stored_spec.ts";

const outcomes = ["running", "succeeded", "partial", "failed", "interrupted", "kept"] as const;

/** One deploy, as it is remembered. */
export interface RevisionRecord {
  readonly number: number;
  readonly actor: string;
  readonly startedAt: Date;
  /** Undefined = it is under way. */
  readonly finishedAt: Date | undefined;
  readonly outcome: RevisionOutcome | "running";
  readonly origin: RevisionOrigin;
  /** In the order in which they were declared. */
  readonly components: readonly RevisionPart[];
}

/** What one deploy was to one component. */
interface RevisionPart {
  readonly spec: ComponentSpec;
  /** podman's id of the image; empty = it never came so far. */
  readonly imageId: string;
  readonly imageDigest: string;
  readonly outcome: RevisionOutcome | "running";
  readonly error: string;
  /** Whether it is what the component's container was made by. */
  readonly isCurrent: boolean;
}

/** The revisions of a service, newest first. */
export function listRevisions(
  registry: Registry,
  service: string,
  limit: number,
): RevisionRecord[] {
  const rows = registry.all(...sql`SELECT * FROM revisions WHERE service = ${service}
     ORDER BY number DESC LIMIT ${limit}`);
  const [newest, oldest] = [rows[0], rows.at(-1)];
  if (newest === undefined || oldest === undefined) return [];
  const parts = partsBetween(registry, service, number(oldest, "number"), number(newest, "number"));
  return rows.map((row) => toRecord(row, parts));
}

/** One revision of a service. */
export function getRevision(
  registry: Registry,
  service: string,
  revision: number,
): RevisionRecord | undefined {
  const row = registry.get(...sql`SELECT * FROM revisions
     WHERE service = ${service} AND number = ${revision}`);
  return row && toRecord(row, partsBetween(registry, service, revision, revision));
}

/** How many revisions of a service are remembered. */
export function countRevisions(registry: Registry, service: string): number {
  const row = registry.get(...sql`SELECT count(*) AS count FROM revisions
     WHERE service = ${service}`);
  return row === undefined ? 0 : number(row, "count");
}

/** Images that must stay on the node, and why. */
export interface NeededImages {
  /** By podman's id: of what is deployed, and of the last good revisions to go back to. */
  readonly ids: ReadonlySet<string>;
  /** By reference: of what is declared, deployed, or just being rolled out. */
  readonly references: ReadonlySet<string>;
}

/**
 * The images that somebody may still want.
 *
 * @param keep So many images of each component, those of its newest good revisions, are kept: the
 *   same one deployed again takes no other's place. A service that was removed keeps none.
 */
export function neededImages(registry: Registry, keep: number): NeededImages {
  const good = registry.all(...sql`SELECT image_id FROM (
       SELECT r.image_id, row_number() OVER (
           PARTITION BY r.service, r.component ORDER BY max(r.revision) DESC
         ) AS place
       FROM revision_components r
       JOIN components c ON c.service = r.service AND c.name = r.component
       WHERE r.outcome IN ('succeeded', 'kept') AND r.image_id <> ''
       GROUP BY r.service, r.component, r.image_id
     ) WHERE place <= ${keep}`);
  const deployed = registry.all(
    `SELECT r.image_id, r.spec FROM deployments d
     JOIN revision_components r
       ON r.service = d.service AND r.revision = d.revision AND r.component = d.component`,
  );
  const underWay = registry.all("SELECT spec FROM revision_components WHERE outcome = 'running'");
  const declared = registry.all("SELECT image FROM components");
  return {
    ids: new Set([...good, ...deployed].map((row) => text(row, "image_id"))),
    references: new Set([
      ...[...deployed, ...underWay].map((row) => readSpec(text(row, "spec")).image),
      ...declared.map((row) => text(row, "image")),
    ]),
  };
}

/** The components of some revisions, by the revision's number. */
function partsBetween(
  registry: Registry,
  service: string,
  first: number,
  last: number,
): ReadonlyMap<number, readonly RevisionPart[]> {
  const rows = registry.all(...sql`SELECT r.*,
     d.revision IS NOT NULL AS is_current FROM revision_components r
     LEFT JOIN deployments d
       ON d.service = r.service AND d.component = r.component AND d.revision = r.revision
     WHERE r.service = ${service} AND r.revision BETWEEN ${first} AND ${last} ORDER BY r.rowid`);
  const parts = new Map<number, RevisionPart[]>();
  for (const row of rows) {
    const revision = number(row, "revision");
    parts.set(revision, [...parts.get(revision) ?? [], toPart(row)]);
  }
  return parts;
}

function toPart(row: Row): RevisionPart {
  return {
    spec: readSpec(text(row, "spec")),
    imageId: text(row, "image_id"),
    imageDigest: text(row, "image_digest"),
    outcome: word(row, "outcome", outcomes),
    error: text(row, "error"),
    isCurrent: number(row, "is_current") !== 0,
  };
}

function toRecord(
  row: Row,
  parts: ReadonlyMap<number, readonly RevisionPart[]>,
): RevisionRecord {
  const revision = number(row, "number");
  return {
    number: revision,
    actor: text(row, "actor"),
    startedAt: time(row, "started_at"),
    finishedAt: optionalTime(row, "finished_at"),
    outcome: word(row, "outcome", outcomes),
    origin: word(row, "origin", ["deploy", "rollback", "adopt"]),
    components: parts.get(revision) ?? [],
  };
}
