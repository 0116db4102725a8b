/**
 * Services and their components: declared specs, desired states, what was last seen.
 *
 * @module
 */

import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { imageVersion } from "../../lib/domain/image.ts";
import { containerName } from "../../lib/domain/names.ts";
import type { ServiceSpec } from "../../lib/domain/service_spec.ts";
import {
  type DesiredState,
  desiredStates,
  type EventState,
  type ObservedState,
  observedStates,
} from "../../lib/domain/state.ts";
import { type Deployment, listDeployments } from "./revisions.ts";
import type { Registry } from "./registry.ts";
import { number, optionalNumber, optionalTime, type Row, sql, text, word } from "./row.ts";
import { readOptions, storeOptions } from "./stored_spec.ts";

/** How a component with a health check does; empty = it has none, or does not run. */
type Health = "healthy" | "unhealthy" | "starting" | "";

const healths: readonly Health[] = ["healthy", "unhealthy", "starting", ""];

/** One component as the registry has it. */
export interface ComponentRecord {
  readonly service: string;
  /** The declared spec: as last pushed by deploy or sync, or as found at the runtime. */
  readonly spec: ComponentSpec;
  readonly container: string;
  readonly desired: DesiredState;
  readonly observed: ObservedState;
  /** When `observed` was really seen; undefined = never. */
  readonly observedAt: Date | undefined;
  /** Since when `observed` has been what it is; undefined = not known. */
  readonly stateSince: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
  /** Of one that runs and has a health check; empty otherwise. */
  readonly health: Health;
  /** What the last probe was answered when `health` last changed. */
  readonly lastProbe: string;
  /** Version of what was last deployed or found; empty when the image has none. */
  readonly version: string;
  /** What the container was really made from; undefined = never deployed by MCP. */
  readonly deployment: Deployment | undefined;
}

/** One service as the registry has it. */
export interface ServiceRecord {
  readonly name: string;
  readonly active: boolean;
  /** In the order they were declared. */
  readonly components: readonly ComponentRecord[];
}

/** All services with their components, by name; read anew only when something was written since. */
export function listServices(registry: Registry): readonly ServiceRecord[] {
  return registry.unlessWritten("services", () => readServices(registry, "", []));
}

/** One service with its components. */
export function getService(registry: Registry, name: string): ServiceRecord | undefined {
  return readServices(registry, "WHERE service = ?", [name], name)[0];
}

/** Who has a container of this name, if the registry knows. */
export function ownerOfContainer(
  registry: Registry,
  container: string,
):
  | { readonly service: string; readonly component: string; readonly desired: DesiredState }
  | undefined {
  const row = registry.get(...sql`SELECT service, name, desired_state FROM components
     WHERE container = ${container}`);
  return row && {
    service: text(row, "service"),
    component: text(row, "name"),
    desired: word(row, "desired_state", desiredStates),
  };
}

/**
 * Remembers a service as declared: the operator's intent, before anything moves.
 *
 * Components that are new are wanted running when the service is active; those
 * that are known keep what is wanted of them. Components that the spec no
 * longer lists stay, until their containers are gone.
 */
export function declareService(registry: Registry, spec: ServiceSpec, now: Date): void {
  registry.run(...sql`INSERT INTO services (name, active, created_at, updated_at)
     VALUES (${spec.name}, ${spec.active ? 1 : 0}, ${now}, ${now})
     ON CONFLICT (name) DO UPDATE SET active = excluded.active, updated_at = excluded.updated_at`);
  for (const component of spec.components) {
    declareComponent(registry, spec.name, component, {
      desiredWhenNew: spec.active ? "running" : "stopped",
      container: containerName(spec.name, component.name),
      now,
    });
  }
}

/** Remembers one component as declared. */
function declareComponent(
  registry: Registry,
  service: string,
  spec: ComponentSpec,
  options: {
    readonly desiredWhenNew: DesiredState;
    readonly container: string;
    readonly now: Date;
  },
): void {
  registry.run(...sql`INSERT INTO components
       (service, name, image, network, user_spec, restart, desired_state, version, container,
       created_at, updated_at, options)
     VALUES (${service}, ${spec.name}, ${spec.image}, ${spec.network}, ${spec.user},
     ${spec.restart}, ${options.desiredWhenNew}, ${imageVersion(spec.image)},
     ${options.container}, ${options.now}, ${options.now}, ${storeOptions(spec)})
     ON CONFLICT (service, name) DO UPDATE SET
       image = excluded.image, network = excluded.network, user_spec = excluded.user_spec,
       restart = excluded.restart, updated_at = excluded.updated_at, options = excluded.options`);
  replaceList(registry, "component_ports", "mapping", service, spec.name, spec.ports);
  replaceList(registry, "component_volumes", "mapping", service, spec.name, spec.volumes);
  replaceList(registry, "component_cmd", "arg", service, spec.name, spec.cmd);
}

/** Remembers a container that nobody told us of, as a component that is seen and left alone. */
export function declareDiscovery(
  registry: Registry,
  discovery: {
    readonly service: string;
    readonly component: string;
    readonly container: string;
    readonly image: string;
  },
  now: Date,
): void {
  registry.run(...sql`INSERT OR IGNORE INTO services (name, created_at, updated_at)
     VALUES (${discovery.service}, ${now}, ${now})`);
  declareComponent(registry, discovery.service, {
    name: discovery.component,
    image: discovery.image,
    ...componentDefaults,
  }, { desiredWhenNew: "ignore", container: discovery.container, now });
}

/**
 * Gives a discovered container to a service: it keeps its events under its new name.
 *
 * @param options.spec What the container was really made from.
 */
export function rehomeComponent(
  registry: Registry,
  from: { readonly service: string; readonly component: string },
  options: {
    readonly service: string;
    readonly spec: ComponentSpec;
    readonly container: string;
    readonly desired: DesiredState;
    readonly now: Date;
  },
): void {
  const { service, spec, container, desired, now } = options;
  registry.run(...sql`UPDATE events SET service = ${service}, component = ${spec.name}
     WHERE service = ${from.service} AND component = ${from.component}`);
  forgetComponent(registry, from.service, from.component);
  registry.run(...sql`INSERT OR IGNORE INTO services (name, created_at, updated_at)
     VALUES (${service}, ${now}, ${now})`);
  declareComponent(registry, service, spec, { desiredWhenNew: desired, container, now });
  // Were it inactive with a component that runs, the next sync of its own export would stop that.
  registry.run(...sql`UPDATE services SET updated_at = ${now}, active = EXISTS (
       SELECT 1 FROM components WHERE service = ${service} AND desired_state = 'running'
     ) WHERE name = ${service}`);
}

/** Changes what is wanted of a service's components; those that are ignored stay so. */
export function wantService(
  registry: Registry,
  service: string,
  desired: "running" | "stopped",
  now: Date,
): void {
  registry.run(...sql`UPDATE services SET active = ${desired === "running" ? 1 : 0},
     updated_at = ${now} WHERE name = ${service}`);
  registry.run(...sql`UPDATE components SET desired_state = ${desired}, updated_at = ${now}
     WHERE service = ${service} AND desired_state <> 'ignore'`);
}

/** Changes what is wanted of one component. */
export function wantComponent(
  registry: Registry,
  service: string,
  component: string,
  desired: DesiredState,
  now: Date,
): void {
  registry.run(...sql`UPDATE components SET desired_state = ${desired}, updated_at = ${now}
     WHERE service = ${service} AND name = ${component}`);
}

/** What was seen of one component. */
interface Sighting {
  readonly service: string;
  readonly component: string;
  readonly observed: ObservedState;
  readonly startedAt: Date | undefined;
  readonly exitCode: number | undefined;
}

/** Remembers what was just seen of a component. */
export function recordSighting(registry: Registry, sighting: Sighting, now: Date): void {
  registry.run(...sql`UPDATE components SET
       state_since = CASE WHEN observed_state = ${sighting.observed} THEN state_since
         ELSE ${now} END,
       observed_state = ${sighting.observed}, observed_at = ${now},
       started_at = ${sighting.startedAt}, exit_code = ${sighting.exitCode}
     WHERE service = ${sighting.service} AND name = ${sighting.component}`);
}

/** Remembers the version that a component's container really is. */
export function recordVersion(
  registry: Registry,
  service: string,
  component: string,
  version: string,
): void {
  registry.run(...sql`UPDATE components SET version = ${version}
     WHERE service = ${service} AND name = ${component}`);
}

/** Remembers how a component does. */
export function recordHealth(
  registry: Registry,
  component: {
    readonly service: string;
    readonly component: string;
    readonly health: Health;
    readonly lastProbe: string;
  },
): void {
  registry.run(...sql`UPDATE components SET health = ${component.health},
     last_probe = ${component.lastProbe}
     WHERE service = ${component.service} AND name = ${component.component}`);
}

/** What a component is to those who compare it with what is wanted of it. */
export function effectiveState({ desired, observed, health }: ComponentRecord): EventState {
  const isSick = desired === "running" && observed === "running" && health === "unhealthy";
  return isSick ? "unhealthy" : observed;
}

/** How a job ended, for whom it matters; undefined of a service. */
export function jobOf(
  { spec, deployment, exitCode }: ComponentRecord,
): { readonly exitCode: number | undefined } | undefined {
  return (deployment?.spec ?? spec).kind === "job" ? { exitCode } : undefined;
}

/** Forgets a component, and its service when that was the last. Events and revisions stay. */
export function forgetComponent(registry: Registry, service: string, component: string): void {
  registry.run(...sql`DELETE FROM components WHERE service = ${service} AND name = ${component}`);
  registry.run(...sql`DELETE FROM services WHERE name = ${service}
     AND NOT EXISTS (SELECT 1 FROM components WHERE service = ${service})`);
}

/** How many services and components are known. */
export function countServices(
  registry: Registry,
): { readonly services: number; readonly components: number } {
  const row = registry.get(
    "SELECT (SELECT count(*) FROM services) AS services, (SELECT count(*) FROM components) AS components",
  ) ?? {};
  return { services: number(row, "services"), components: number(row, "components") };
}

type ListTable = "component_ports" | "component_volumes" | "component_cmd";

function replaceList(
  registry: Registry,
  table: ListTable,
  column: "mapping" | "arg",
  service: string,
  component: string,
  values: readonly string[],
): void {
  registry.run(`DELETE FROM ${table} WHERE service = ? AND component = ?`, service, component);
  values.forEach((value, position) =>
    registry.run(
      `INSERT INTO ${table} (service, component, position, ${column}) VALUES (?, ?, ?, ?)`,
      service,
      component,
      position,
      value,
    )
  );
}

/** Reads services with a fixed number of queries, however many components there are. */
function readServices(
  registry: Registry,
  where: string,
  parameters: readonly string[],
  name?: string,
): ServiceRecord[] {
  const lists = {
    ports: readLists(registry, "component_ports", "mapping", where, parameters),
    volumes: readLists(registry, "component_volumes", "mapping", where, parameters),
    cmd: readLists(registry, "component_cmd", "arg", where, parameters),
  };
  const deployments = listDeployments(registry, name);
  const components = new Map<string, ComponentRecord[]>();
  for (
    const row of registry.all(`SELECT * FROM components ${where} ORDER BY rowid`, ...parameters)
  ) {
    const record = toComponent(row, lists, deployments);
    const siblings = components.get(record.service);
    if (siblings === undefined) components.set(record.service, [record]);
    else siblings.push(record);
  }
  return registry
    .all(
      `SELECT name, active FROM services ${where.replace("service", "name")} ORDER BY name`,
      ...parameters,
    )
    .map((row) => ({
      name: text(row, "name"),
      active: number(row, "active") !== 0,
      components: components.get(text(row, "name")) ?? [],
    }));
}

type Lists = ReadonlyMap<string, readonly string[]>;

function readLists(
  registry: Registry,
  table: ListTable,
  column: "mapping" | "arg",
  where: string,
  parameters: readonly string[],
): Lists {
  const lists = new Map<string, string[]>();
  const rows = registry.all(
    `SELECT service, component, ${column} FROM ${table} ${where} ORDER BY position`,
    ...parameters,
  );
  for (const row of rows) {
    const key = `${text(row, "service")}/${text(row, "component")}`;
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [text(row, column)]);
    else list.push(text(row, column));
  }
  return lists;
}

function toComponent(
  row: Row,
  lists: { readonly ports: Lists; readonly volumes: Lists; readonly cmd: Lists },
  deployments: ReadonlyMap<string, Deployment>,
): ComponentRecord {
  const key = `${text(row, "service")}/${text(row, "name")}`;
  return {
    service: text(row, "service"),
    spec: readOptions({
      name: text(row, "name"),
      image: text(row, "image"),
      network: text(row, "network"),
      user: text(row, "user_spec"),
      restart: text(row, "restart"),
      ports: lists.ports.get(key) ?? [],
      volumes: lists.volumes.get(key) ?? [],
      cmd: lists.cmd.get(key) ?? [],
    }, text(row, "options")),
    container: text(row, "container"),
    desired: word(row, "desired_state", desiredStates),
    observed: word(row, "observed_state", observedStates),
    observedAt: optionalTime(row, "observed_at"),
    stateSince: optionalTime(row, "state_since"),
    startedAt: optionalTime(row, "started_at"),
    exitCode: optionalNumber(row, "exit_code"),
    health: word(row, "health", healths),
    lastProbe: text(row, "last_probe"),
    version: text(row, "version"),
    deployment: deployments.get(key),
  };
}
