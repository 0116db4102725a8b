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
import { number, optionalNumber, optionalTime, type Row, text, timeText, word } from "./row.ts";
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
  const row = registry.get(
    "SELECT service, name, desired_state FROM components WHERE container = ?",
    container,
  );
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
  const at = timeText(now);
  registry.run(
    `INSERT INTO services (name, active, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
     ON CONFLICT (name) DO UPDATE SET active = ?2, updated_at = ?3`,
    spec.name,
    spec.active ? 1 : 0,
    at,
  );
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
  registry.run(
    `INSERT INTO components
       (service, name, image, network, user_spec, restart, desired_state, version, container, created_at, updated_at, options)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)
     ON CONFLICT (service, name) DO UPDATE SET
       image = ?3, network = ?4, user_spec = ?5, restart = ?6, updated_at = ?10, options = ?11`,
    service,
    spec.name,
    spec.image,
    spec.network,
    spec.user,
    spec.restart,
    options.desiredWhenNew,
    imageVersion(spec.image),
    options.container,
    timeText(options.now),
    storeOptions(spec),
  );
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
  registry.run(
    "INSERT OR IGNORE INTO services (name, created_at, updated_at) VALUES (?1, ?2, ?2)",
    discovery.service,
    timeText(now),
  );
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
  registry.run(
    "UPDATE events SET service = ?, component = ? WHERE service = ? AND component = ?",
    service,
    spec.name,
    from.service,
    from.component,
  );
  forgetComponent(registry, from.service, from.component);
  registry.run(
    "INSERT OR IGNORE INTO services (name, created_at, updated_at) VALUES (?1, ?2, ?2)",
    service,
    timeText(now),
  );
  declareComponent(registry, service, spec, { desiredWhenNew: desired, container, now });
  // Were it inactive with a component that runs, the next sync of its own export would stop that.
  registry.run(
    `UPDATE services SET updated_at = ?2, active = EXISTS (
       SELECT 1 FROM components WHERE service = ?1 AND desired_state = 'running'
     ) WHERE name = ?1`,
    service,
    timeText(now),
  );
}

/** Changes what is wanted of a service's components; those that are ignored stay so. */
export function wantService(
  registry: Registry,
  service: string,
  desired: "running" | "stopped",
  now: Date,
): void {
  const at = timeText(now);
  registry.run(
    "UPDATE services SET active = ?, updated_at = ? WHERE name = ?",
    desired === "running" ? 1 : 0,
    at,
    service,
  );
  registry.run(
    `UPDATE components SET desired_state = ?, updated_at = ?
     WHERE service = ? AND desired_state <> 'ignore'`,
    desired,
    at,
    service,
  );
}

/** Changes what is wanted of one component. */
export function wantComponent(
  registry: Registry,
  service: string,
  component: string,
  desired: DesiredState,
  now: Date,
): void {
  registry.run(
    "UPDATE components SET desired_state = ?, updated_at = ? WHERE service = ? AND name = ?",
    desired,
    timeText(now),
    service,
    component,
  );
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
  registry.run(
    `UPDATE components SET
       state_since = CASE WHEN observed_state = ?1 THEN state_since ELSE ?2 END,
       observed_state = ?1, observed_at = ?2, started_at = ?3, exit_code = ?4
     WHERE service = ?5 AND name = ?6`,
    sighting.observed,
    timeText(now),
    sighting.startedAt === undefined ? null : timeText(sighting.startedAt),
    sighting.exitCode ?? null,
    sighting.service,
    sighting.component,
  );
}

/** Remembers the version that a component's container really is. */
export function recordVersion(
  registry: Registry,
  service: string,
  component: string,
  version: string,
): void {
  registry.run(
    "UPDATE components SET version = ? WHERE service = ? AND name = ?",
    version,
    service,
    component,
  );
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
  registry.run(
    "UPDATE components SET health = ?, last_probe = ? WHERE service = ? AND name = ?",
    component.health,
    component.lastProbe,
    component.service,
    component.component,
  );
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
  registry.run("DELETE FROM components WHERE service = ? AND name = ?", service, component);
  registry.run(
    "DELETE FROM services WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM components WHERE service = ?1)",
    service,
  );
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
