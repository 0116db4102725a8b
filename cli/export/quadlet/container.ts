/**
 * One component as the lines of a `.container`, field by field.
 *
 * @module
 */

import { canonicalSpec } from "../../../lib/domain/canonical_spec.ts";
import {
  type FieldName,
  fieldNames,
  isDefault,
  rowOf,
  type Special,
} from "../../../lib/domain/component_fields.ts";
import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { HealthCheck } from "../../../lib/domain/health_check.ts";
import { parseVolume } from "../../../lib/domain/mappings.ts";
import { uncountedMs } from "../health.ts";
import type { NoteTaker } from "../notes.ts";
import { canBeArgument, jsonList, plain, type UnitLine, word } from "./unit_text.ts";

/** A component on its way to a unit. */
export interface ContainerUnit {
  readonly component: ComponentSpec;
  /** Names of units and containers. */
  readonly names: UnitNames;
  /** Whether others of the service wait for it. */
  readonly isAwaited: boolean;
  readonly tell: NoteTaker;
  /** The lines of each section. */
  readonly unit: UnitLine[];
  readonly container: UnitLine[];
  readonly service: UnitLine[];
}

/** What things are called in the other units of the service. */
export interface UnitNames {
  /** The container of a component, and the unit without its ending. */
  container(component: string): string;
  /** podman's name of a secret. */
  secret(name: string): string;
  /** Whether a component runs to its end. */
  isJob(component: string): boolean;
  /** Whether a component's unit has started only when it is healthy. */
  saysWhenHealthy(component: string): boolean;
}

/** Networks and modes that podman knows by itself. */
const ownNetworks = [
  "",
  "default",
  "bridge",
  "host",
  "none",
  "pasta",
  "podman",
  "private",
  "slirp4netns",
];

/** Whether somebody has to make the network. */
export function isMadeNetwork(network: string): boolean {
  return !ownNetworks.includes(network);
}

/** First words that podman takes for a kind of check. */
const checkKinds = ["CMD", "CMD-SHELL", "NONE"];

/** A check as podman runs it in the container; undefined when it cannot. */
export function healthCommand({ probe }: HealthCheck): readonly string[] | undefined {
  if (probe.kind !== "exec") return undefined;
  const [first = ""] = probe.command;
  if (checkKinds.includes(first.toUpperCase())) return undefined;
  // podman hands a single word to a shell, which must find nothing in it to act upon.
  if (probe.command.length === 1 && !/^[A-Za-z0-9_./+-]+$/.test(first)) return undefined;
  return probe.command;
}

/** Fields that are more than one line of `[Container]`, or none. */
const special: Special<"quadlet", (draft: ContainerUnit) => void> = {
  name: ({ component: { name }, names, container }) => {
    container.push(["ContainerName", names.container(name)]);
  },
  kind: writeKind,
  network: ({ component: { network }, container }) => {
    if (network === "") return;
    container.push(["Network", isMadeNetwork(network) ? `${network}.network` : network]);
  },
  user: ({ component: { user }, container }) => {
    const [name = "", group] = user.split(":");
    if (name !== "") container.push(["User", name]);
    if (group !== undefined) container.push(["Group", group]);
  },
  restart: writeRestart,
  ports: writePorts,
  volumes: writeVolumes,
  entrypoint: writeEntrypoint,
  cmd: writeCommand,
  dependsOn: writeDependencies,
  secrets: ({ component: { secrets }, names, container }) => {
    for (const { name, target, mode, uid, gid } of secrets) {
      const bits = mode.toString(8).padStart(4, "0");
      const owner = `${uid === 0 ? "" : `,uid=${uid}`}${gid === 0 ? "" : `,gid=${gid}`}`;
      const text = `${names.secret(name)},type=mount,target=${target},mode=${bits}${owner}`;
      container.push(["Secret", word(text)]);
    }
  },
  healthcheck: writeHealthCheck,
  hostNamespaces: (draft) => {
    for (const namespace of draft.component.hostNamespaces) {
      pushArgument(draft, `--${namespace}=host`);
    }
  },
  stopTimeoutMs: writeStopTimeout,
};

/** Writes all that the component asks for. */
export function writeContainer(draft: ContainerUnit): void {
  for (const field of fieldNames) (special[field] ?? writerOf(field))(draft);
}

/** Who writes an ordinary field. */
function writerOf(field: FieldName) {
  const { type, podman = "", quadlet: { key } = { key: "" } } = rowOf(field);
  return (draft: ContainerUnit): void => {
    const value: unknown = draft.component[field];
    if (isDefault(field, value)) return;
    const texts = Array.isArray(value)
      ? value
      : typeof value === "object"
      ? Object.entries(value ?? {}).map(([name, text]) => `${name}=${text}`)
      : [String(value)];
    for (const text of texts) {
      if (key === "PodmanArgs") pushArgument(draft, value === true ? podman : `${podman}=${text}`);
      else if (type === "table") draft.container.push([key, word(text)]);
      else pushPlain(draft, key, podman, text);
    }
  };
}

// --- One field after the other -------------------------------------------------------

function writeKind({ component, isAwaited, tell, service }: ContainerUnit): void {
  if (component.kind === "service") {
    // The image is fetched while the unit starts; systemd gives up after 90 seconds by itself.
    service.push(["TimeoutStartSec", "900"]);
    return;
  }
  service.push(["Type", "oneshot"], ["RemainAfterExit", "yes"]);
  tell.changed(
    "kind",
    isAwaited
      ? "the job runs each time that those who wait for it start, at boot as well"
      : "the job runs when its unit is started, and not with the service",
  );
}

function writeRestart({ component: { restart }, tell, unit, service }: ContainerUnit): void {
  const [policy = "", attempts] = restart.split(":");
  if (policy === "no") {
    service.push(["Restart", "no"]);
    return;
  }
  // systemd knows no difference: what was stopped by hand stays stopped until the next boot.
  service.push(["Restart", policy === "on-failure" ? policy : "always"], ["RestartSec", "1"]);
  // podman tries for as long as it takes; systemd would give up after five times in ten seconds.
  unit.push(["StartLimitIntervalSec", "0"]);
  if (attempts !== undefined && Number(attempts) > 0) {
    tell.changed("restart", `it is started again however often it fails, not ${attempts} times`);
  }
}

function writePorts({ component, tell, container }: ContainerUnit): void {
  const { ports } = canonicalSpec(component);
  if (ports.length < component.ports.length && ports.length === 0) {
    tell.leftOut("ports", `nothing is published in the network "${component.network}"`);
  } else {
    container.push(...component.ports.map((port): UnitLine => ["PublishPort", port]));
  }
}

function writeVolumes(draft: ContainerUnit): void {
  const folders: string[] = [];
  for (const text of draft.component.volumes) {
    const { source = "" } = parseVolume(text) ?? {};
    if (source.startsWith("/")) folders.push(source);
    // A name with this ending would be another unit.
    if (source.endsWith(".volume") && !source.startsWith("/")) {
      pushArgument(draft, `--volume=${text}`);
    } else {
      pushPlain(draft, "Volume", "--volume", text);
    }
  }
  if (folders.length > 0) {
    draft.tell.needs(
      "volumes",
      "podman makes no folders",
      `Have them there: ${folders.join(", ")}`,
    );
  }
}

function writeEntrypoint({ component, container }: ContainerUnit): void {
  const { entrypoint, cmd } = component;
  if (entrypoint.length === 0) return;
  const list = mergesCommand(component) ? [...entrypoint, ...cmd] : entrypoint;
  container.push(["Entrypoint", jsonList(list)]);
}

function writeCommand({ component, tell, container }: ContainerUnit): void {
  const { cmd } = component;
  if (cmd.length === 0 || mergesCommand(component)) return;
  const words = cmd.filter(canBeArgument);
  if (words.length < cmd.length) {
    tell.leftOut(
      "cmd",
      'arguments that are empty or only ";", which systemd does not hand on',
      "Say the entrypoint as well: behind it they can be written",
    );
  }
  container.push(["Exec", words.map(word).join(" ")]);
}

/** Whether arguments that `Exec=` cannot say stand in the list of `Entrypoint=`, which can. */
function mergesCommand({ entrypoint, cmd }: ComponentSpec): boolean {
  return entrypoint.length > 0 && !cmd.every(canBeArgument);
}

function writeDependencies({ component, names, tell, unit }: ContainerUnit): void {
  if (component.dependsOn.length === 0) return;
  const units = component.dependsOn.map((other) => `${names.container(other)}.service`).join(" ");
  unit.push(["Requires", units], ["After", units]);
  const unproved = component.dependsOn.filter((other) =>
    !names.isJob(other) && !names.saysWhenHealthy(other)
  );
  if (unproved.length > 0) {
    tell.changed(
      "depends_on",
      `it waits until ${unproved.join(", ")} has been started, not until it has proved itself`,
    );
  }
}

function writeHealthCheck({ component, isAwaited, tell, container }: ContainerUnit): void {
  const { healthcheck } = component;
  if (healthcheck === undefined) return;
  const command = healthCommand(healthcheck);
  if (command === undefined) return tellOfCheck(healthcheck, tell);
  container.push(
    ["HealthCmd", jsonList(command)],
    ["HealthInterval", duration(healthcheck.intervalMs)],
    ["HealthTimeout", duration(healthcheck.timeoutMs)],
    ["HealthRetries", String(healthcheck.retries)],
    ["HealthStartPeriod", duration(uncountedMs(healthcheck))],
  );
  if (isAwaited) container.push(["Notify", "healthy"]);
}

function tellOfCheck({ probe }: HealthCheck, tell: NoteTaker): void {
  if (probe.kind === "exec") {
    return tell.leftOut(
      "healthcheck",
      "podman would hand the command to a shell, or take its first word for something else",
      'Write it as ["/bin/sh", "-c", "…"] where the image has a shell',
    );
  }
  const [what, command] = probe.kind === "tcp"
    ? [`port ${probe.port}`, `nc -z 127.0.0.1 ${probe.port}`]
    : [
      `${probe.kind}://…:${probe.port}${probe.path}`,
      `curl -fsSk ${probe.kind}://127.0.0.1:${probe.port}${probe.path}`,
    ];
  tell.leftOut(
    "healthcheck",
    `the agent asks ${what} from outside, and podman only runs commands inside`,
    `Where the image has the program, add HealthCmd=${command}`,
  );
}

function writeStopTimeout({ component, container, service }: ContainerUnit): void {
  if (component.stopTimeoutMs === undefined) return;
  const seconds = Math.ceil(component.stopTimeoutMs / 1000);
  // systemd must not kill podman before podman has killed the container.
  container.push(["StopTimeout", String(seconds)]);
  service.push(["TimeoutStopSec", String(seconds + 30)]);
}

// --- Lines ---------------------------------------------------------------------------

/** A text that the key takes as it is, or podman itself where the key would change it. */
function pushPlain(draft: ContainerUnit, key: string, flag: string, text: string): void {
  if (text === "") return;
  const value = plain(text);
  if (value === undefined) pushArgument(draft, `${flag}=${text}`);
  else draft.container.push([key, value]);
}

/** What no key says in all podmans, podman's own arguments do. */
function pushArgument({ container }: ContainerUnit, argument: string): void {
  container.push(["PodmanArgs", word(argument)]);
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
