/**
 * podman command lines, as data: what an operator would type to do the same by hand.
 *
 * A value that comes from a definition or a request is either the value of a
 * flag written `--flag=value`, or a positional behind rules that let it begin
 * with a letter or a digit only; nothing is ever read by a shell.
 *
 * @module
 */

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

/** What happens to containers, as it happens. */
export function watchArgv(): string[] {
  return ["events", "--format=json", "--filter=type=container"];
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

function makingArgv(
  { name, spec, labels, pull, image, secrets = {} }: NewContainer,
): string[] {
  return [
    `--pull=${pull}`,
    `--name=${name}`,
    ...Object.entries({ ...spec.labels, ...labels }).map(([key, value]) =>
      `--label=${key}=${value}`
    ),
    ...(spec.network === "" ? [] : [`--network=${spec.network}`]),
    ...(spec.user === "" ? [] : [`--user=${spec.user}`]),
    `--restart=${spec.restart}`,
    ...spec.ports.map((mapping) => `--publish=${mapping}`),
    ...spec.volumes.map((mapping) => `--volume=${mapping}`),
    ...spec.secrets.map((secret) => secretFlag(secret, secrets[secret.name] ?? secret.name)),
    ...optionArgv(spec),
    image ?? spec.image,
    ...spec.cmd,
  ];
}

/** As a file and never as a variable, which `podman inspect` would show. */
function secretFlag({ target, mode, uid, gid }: SecretMount, name: string): string {
  const bits = mode.toString(8).padStart(4, "0");
  return `--secret=${name},type=mount,target=${target},mode=${bits},uid=${uid},gid=${gid}`;
}

/** What a spec may say beside image, network, ports and volumes. */
function optionArgv(spec: ComponentSpec): string[] {
  const text = (flag: string, value: string) => value === "" ? [] : [`--${flag}=${value}`];
  const each = (flag: string, values: readonly string[]) =>
    values.map((value) => `--${flag}=${value}`);
  const table = (flag: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `--${flag}=${name}=${value}`);
  return [
    ...table("env", spec.env),
    // As JSON, it may be of several words.
    ...(spec.entrypoint.length === 0 ? [] : [`--entrypoint=${JSON.stringify(spec.entrypoint)}`]),
    ...text("workdir", spec.workdir),
    ...text("hostname", spec.hostname),
    ...text("memory", spec.memory),
    ...(spec.cpus === 0 ? [] : [`--cpus=${spec.cpus}`]),
    ...(spec.pids === 0 ? [] : [`--pids-limit=${spec.pids}`]),
    ...table("ulimit", spec.ulimits),
    ...each("cap-add", spec.capAdd),
    ...each("cap-drop", spec.capDrop),
    ...(spec.readOnly ? ["--read-only"] : []),
    ...each("tmpfs", spec.tmpfs),
    ...each("device", spec.devices),
    ...(spec.privileged ? ["--privileged"] : []),
    ...spec.hostNamespaces.map((namespace) => `--${namespace}=host`),
    ...text("stop-signal", spec.stopSignal),
    ...(spec.stopTimeoutMs === undefined ? [] : [`--stop-timeout=${seconds(spec.stopTimeoutMs)}`]),
  ];
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
