/**
 * Decides which versions of secrets somebody may still want.
 *
 * Pure. What runs, what is being rolled out, and what can be gone back to keeps its secrets.
 *
 * @module
 */

import type { SecretUse, SecretVersion } from "../../registry/secrets.ts";

/**
 * The versions that nobody needs any more.
 *
 * @param uses Everything that the service's components were made with.
 * @param keep Of each component so many good revisions are kept, the newest: those that differ in
 *   their image, and those that differ in their secrets.
 */
export function unneededVersions(
  known: readonly SecretVersion[],
  uses: readonly SecretUse[],
  keep: number,
): SecretVersion[] {
  const needed = new Set<string>();
  const need = ({ versions }: SecretUse) => {
    for (const [name, version] of Object.entries(versions)) needed.add(`${name} ${version}`);
  };
  uses.filter(({ outcome, isDeployed }) => isDeployed || outcome === "running").forEach(need);
  const good = uses.filter(({ outcome }) => outcome === "good")
    .sort((one, other) => other.revision - one.revision);
  for (const own of Map.groupBy(good, ({ component }) => component).values()) {
    newestOfEach(own, ({ imageId }) => imageId).slice(0, keep).forEach(need);
    newestOfEach(own, ({ versions }) => textOf(versions)).slice(0, keep).forEach(need);
  }
  return known.filter(({ name, version }) => !needed.has(`${name} ${version}`));
}

function newestOfEach(
  newestFirst: readonly SecretUse[],
  kindOf: (use: SecretUse) => string,
): SecretUse[] {
  return [...Map.groupBy(newestFirst, kindOf).values()].flatMap(([newest]) => newest ?? []);
}

function textOf(versions: SecretUse["versions"]): string {
  return Object.entries(versions).map(([name, version]) => `${name} ${version}`).sort().join();
}
