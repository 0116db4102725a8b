/**
 * podman command lines, as data: what an operator would type to do the same by hand.
 *
 * A value that comes from a definition or a request is either the value of a
 * flag written `--flag=value`, or a positional behind rules that let it begin
 * with a letter or a digit only; nothing is ever read by a shell.
 *
 * @module
 */

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

/** One container, closely. */
export function inspectArgv(name: string): string[] {
  return ["container", "inspect", name];
}

/** One image, closely. */
export function inspectImageArgv(image: string): string[] {
  return ["image", "inspect", image];
}

/** The processes of a running container, by their numbers in it. */
export function topArgv(name: string): string[] {
  return ["top", name, "pid"];
}

/** What happens to containers, as it happens. */
export function watchArgv(): string[] {
  return ["events", "--format=json", "--filter=type=container"];
}

/** Fetch an image. */
export function pullArgv(image: string): string[] {
  return ["pull", "--quiet", image];
}

/** Make a container and start it. */
export function runArgv({ name, spec, labels, pull }: NewContainer): string[] {
  return [
    "run",
    "--detach",
    `--pull=${pull}`,
    `--name=${name}`,
    ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
    ...(spec.network === "" ? [] : [`--network=${spec.network}`]),
    ...(spec.user === "" ? [] : [`--user=${spec.user}`]),
    `--restart=${spec.restart}`,
    ...spec.ports.map((mapping) => `--publish=${mapping}`),
    ...spec.volumes.map((mapping) => `--volume=${mapping}`),
    spec.image,
    ...spec.cmd,
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

/** podman takes whole seconds. */
function seconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}
