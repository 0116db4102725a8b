/**
 * podman command lines, as data: what an operator would type to do the same by hand.
 *
 * A value that comes from a definition or a request is either the value of a
 * flag written `--flag=value`, or a positional behind rules that let it begin
 * with a letter or a digit only; nothing is ever read by a shell.
 *
 * @module
 */

import {
  type FieldName,
  fieldNames,
  rowOf,
  type Special,
} from "../../../lib/domain/component_fields.ts";
import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import type { SecretMount } from "../../../lib/domain/secret_mount.ts";
import type { NewContainer } from "../runtime.ts";

/** How to reach podman. */
export interface PodmanTarget {
  /** Name or path of the program. */
  readonly program: string;
  /** `unix://` URL of podman's API service; undefined = podman works by itself. */
  readonly url: string | undefined;
}

/** The beginning of every command line. */
export function podmanArgv({ program, url }: PodmanTarget): string[] {
  return url === undefined ? [program] : [program, "--remote", `--url=${url}`];
}

/** Client and server version. */
export function versionArgv(): string[] {
  return ["version", "--format=json"];
}

/** How podman is set up. */
export function infoArgv(): string[] {
  return ["info", "--format=json"];
}

/** Every container, running or not. */
export function listArgv(): string[] {
  return ["ps", "--all", "--no-trunc", "--format=json"];
}

/** Containers, closely. */
export function inspectArgv(...names: readonly string[]): string[] {
  return ["container", "inspect", ...names];
}

/** Images, closely. */
export function inspectImageArgv(...images: readonly string[]): string[] {
  return ["image", "inspect", ...images];
}

/** The processes of a running container, by their numbers in it. */
export function topArgv(name: string): string[] {
  return ["top", name, "pid"];
}

/**
 * What happens to containers, as it happens, for so long: podman notices that nobody reads any more
 * only when it has something to tell, and would stay behind for ever when the agent is killed.
 *
 * @param since The time of an event, or how far back; what happened from there on is told first.
 */
export function watchArgv(
  { forMs, since }: { readonly forMs: number; readonly since: Date | number },
): string[] {
  return [
    "events",
    "--format=json",
    "--filter=type=container",
    `--since=${typeof since === "number" ? `${seconds(since)}s` : since.toISOString()}`,
    `--until=${seconds(forMs)}s`,
  ];
}

/** Fetch an image; how that goes is told on standard error, unless it is to be quiet. */
export function pullArgv(image: string, { quiet }: { readonly quiet: boolean }): string[] {
  return quiet ? ["pull", "--quiet", image] : ["pull", image];
}

/** Run a command in a container. */
export function execArgv(name: string, command: readonly string[]): string[] {
  return ["exec", name, ...command];
}

/** Make a container and start it. */
export function runArgv(container: NewContainer): string[] {
  return ["run", "--detach", ...makingArgv(container)];
}

/** Make a container that is started later. */
export function createArgv(container: NewContainer): string[] {
  return ["create", ...makingArgv(container)];
}

function makingArgv(container: NewContainer): string[] {
  const { spec, image = spec.image } = container;
  return [
    ...argvOrder.flatMap((field) => special[field]?.(container) ?? flagsOf(field, spec[field])),
    image,
    ...spec.cmd,
  ];
}

/** What is written first; all other fields stand behind it in the order of their table. */
const argvOrder: readonly FieldName[] = [
  ...new Set<FieldName>([
    ...["pull", "name", "labels", "network", "user", "restart", "ports", "volumes"] as const,
    ...["secrets", "env"] as const,
    ...fieldNames,
  ]),
];

const none = () => [];

/** Fields that are no flag of podman's, or several. */
const special: Special<"podman", (container: NewContainer) => string[]> = {
  name: ({ name }) => [`--name=${name}`],
  pull: ({ pull }) => [`--pull=${pull}`],
  labels: ({ spec, labels }) =>
    Object.entries({ ...spec.labels, ...labels }).map(([key, value]) => `--label=${key}=${value}`),
  secrets: ({ spec, secrets = {} }) =>
    spec.secrets.map((secret) => secretFlag(secret, secrets[secret.name] ?? secret.name)),
  // As JSON, it may be of several words.
  entrypoint: ({ spec: { entrypoint } }) =>
    entrypoint.length === 0 ? [] : [`--entrypoint=${JSON.stringify(entrypoint)}`],
  hostNamespaces: ({ spec }) => spec.hostNamespaces.map((namespace) => `--${namespace}=host`),
  // Both stand behind the flags.
  image: none,
  cmd: none,
  // Of these podman is told nothing.
  kind: none,
  dependsOn: none,
  healthcheck: none,
};

/** As a file and never as a variable, which `podman inspect` would show. */
function secretFlag({ target, mode, uid, gid }: SecretMount, name: string): string {
  const bits = mode.toString(8).padStart(4, "0");
  return `--secret=${name},type=mount,target=${target},mode=${bits},uid=${uid},gid=${gid}`;
}

/** An ordinary field as flags. */
function flagsOf(field: FieldName, value: ComponentSpec[FieldName]): string[] {
  const { podman: flag, type } = rowOf(field);
  if (flag === undefined || value === undefined || value === "") return [];
  if (typeof value === "boolean") return value ? [flag] : [];
  if (type === "duration") return [`${flag}=${seconds(Number(value))}`];
  if (typeof value !== "object") return value === 0 ? [] : [`${flag}=${value}`];
  return Array.isArray(value)
    ? value.map((text) => `${flag}=${text}`)
    : Object.entries(value).map(([name, text]) => `${flag}=${name}=${text}`);
}

/** Start an existing container. */
export function startArgv(name: string): string[] {
  return ["start", name];
}

/** Stop a container. */
export function stopArgv(name: string, graceMs: number): string[] {
  return ["stop", `--time=${seconds(graceMs)}`, name];
}

/** Stop and start a container. */
export function restartArgv(name: string, graceMs: number): string[] {
  return ["restart", `--time=${seconds(graceMs)}`, name];
}

/** Rename a container. */
export function renameArgv(from: string, to: string): string[] {
  return ["rename", from, to];
}

/** Remove a container, killing it if it runs. */
export function removeArgv(name: string): string[] {
  return ["rm", "--force", "--time=0", name];
}

/** How the process of a container ended in the last ten minutes, oldest first. */
export function deathsArgv(id: string): string[] {
  return [
    "events",
    "--stream=false",
    "--since=10m",
    `--filter=container=${id}`,
    "--filter=event=died",
    "--format=json",
  ];
}

/** The last lines a container printed. */
export function logTailArgv(name: string, lines: number): string[] {
  return ["logs", `--tail=${lines}`, name];
}

/** What a container printed, each line with its time. */
export function readLogArgv(
  name: string,
  options: {
    readonly follow: boolean;
    /** RFC 3339. */
    readonly since: string | undefined;
    readonly tail: number | undefined;
  },
): string[] {
  // podman 4.3 takes --until for another --since: who asks for it leaves out the rest himself.
  return [
    "logs",
    "--timestamps",
    ...(options.follow ? ["--follow"] : []),
    ...(options.since === undefined ? [] : [`--since=${options.since}`]),
    ...(options.tail === undefined ? [] : [`--tail=${options.tail}`]),
    name,
  ];
}

/** Every image, without the layers between. */
export function listImagesArgv(): string[] {
  return ["images", "--no-trunc", "--format=json"];
}

/**
 * Take names from an image, and the image away with the last one. Without --force, which would
 * take the containers as well.
 */
export function removeImageArgv(...names: readonly string[]): string[] {
  return ["image", "rm", ...names];
}

/** Names of all secrets; podman 4.3 knows no `--format=json` here. */
export function listSecretsArgv(): string[] {
  return ["secret", "ls", "--format={{.Name}}"];
}

/** Keep a secret; its value comes on standard input, where no other process sees it. */
export function createSecretArgv(name: string): string[] {
  return ["secret", "create", name, "-"];
}

/** Remove a secret. */
export function removeSecretArgv(name: string): string[] {
  return ["secret", "rm", name];
}

/** podman takes whole seconds. */
function seconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}
