/**
 * What podman's API service is asked, as data: paths of the libpod API.
 *
 * Version 4.0.0 of it is the oldest that podman 4.3 answers in full; newer services know by the
 * version which shape of an answer is meant, and refuse no old one.
 *
 * @module
 */

const root = "/v4.0.0/libpod";

/** A sign of life, whose head tells the version. To ask for the version itself takes 4.3 half a second. */
export function pingPath(): string {
  return `${root}/_ping`;
}

/** How podman is set up. */
export function infoPath(): string {
  return `${root}/info`;
}

/** Every container, running or not. */
export function listPath(): string {
  return `${root}/containers/json?all=true`;
}

/** A container, closely. */
export function containerPath(name: string): string {
  return `${root}/containers/${encodeURIComponent(name)}/json`;
}

/** The processes of a running container, by their numbers in it. */
export function topPath(name: string): string {
  // The answer is repeated every five seconds unless it is said.
  return `${root}/containers/${encodeURIComponent(name)}/top?ps_args=pid&stream=false`;
}

/** Every image, without the layers between. */
export function listImagesPath(): string {
  return `${root}/images/json`;
}

/** An image, closely. */
export function imagePath(image: string): string {
  return `${root}/images/${encodeURIComponent(image)}/json`;
}

/** All secrets, without their values. */
export function listSecretsPath(): string {
  return `${root}/secrets/json`;
}

/** What happens to containers, as it happens. */
export function watchPath(): string {
  return eventsPath({ stream: "true" }, { type: ["container"] });
}

/** How the process of a container ended in the last ten minutes, oldest first. */
export function deathsPath(id: string): string {
  return eventsPath({ stream: "false", since: "10m" }, { container: [id], event: ["died"] });
}

function eventsPath(
  options: Readonly<Record<string, string>>,
  filters: Readonly<Record<string, readonly string[]>>,
): string {
  return `${root}/events?${new URLSearchParams({ ...options, filters: JSON.stringify(filters) })}`;
}
