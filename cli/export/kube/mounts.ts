/**
 * All that is mounted into a pod: folders of the node, claims, folders in memory, and secrets.
 *
 * @module
 */

import { parseVolume } from "../../../lib/domain/mappings.ts";
import { parseMemory } from "../../../lib/domain/memory_size.ts";
import type { Mount, PodDraft } from "./pod_draft.ts";
import { secretMounts } from "./secrets.ts";

/** What podman puts over the files of a read-only container. */
const writableFolders = ["/run", "/tmp", "/var/tmp"];

/** Writes them into the pod. */
export function writeMounts(draft: PodDraft): void {
  const mounts = [
    ...volumeMounts(draft),
    ...memoryMounts(draft),
    ...secretMounts(draft),
  ];
  const name = (at: number) => `mount-${at + 1}`;
  draft.spec["volumes"] = mounts.map(({ source }, at) => ({ name: name(at), ...source }));
  draft.container["volumeMounts"] = mounts.map(({ target, readOnly, subPath }, at) => ({
    name: name(at),
    mountPath: target,
    readOnly: readOnly === true ? true : undefined,
    subPath,
  }));
}

function volumeMounts({ component, tell, claimName }: PodDraft): Mount[] {
  const mappings = component.volumes.flatMap((text) => parseVolume(text) ?? []);
  const folders = mappings.map(({ source }) => source).filter((source) => source.startsWith("/"));
  if (folders.length > 0) {
    tell.needs(
      "volumes",
      "nobody makes folders of the node",
      `Have them there, with owners that the container's users are there: ${folders.join(", ")}`,
    );
  }
  const lost = new Set(mappings.flatMap(({ options }) => options))
    .difference(new Set(["ro", "rw"]));
  if (lost.size > 0) tell.leftOut("volumes", `the options ${[...lost].join(", ")} of mounts`);
  return mappings.map(({ source, target, options }) => ({
    source: source.startsWith("/")
      ? { hostPath: { path: source } }
      : { persistentVolumeClaim: { claimName: claimName(source) } },
    target,
    readOnly: options.includes("ro"),
  }));
}

function memoryMounts({ component, tell }: PodDraft): Mount[] {
  const folders = component.tmpfs.map((text) => {
    const [target = "", options = ""] = text.split(":");
    return { target, options: options === "" ? [] : options.split(",") };
  });
  const lost = folders.flatMap(({ target, options }) =>
    options.filter((option) => !/^(size=.*|ro|rw)$/.test(option)).map((each) => `${target}:${each}`)
  );
  if (lost.length > 0) tell.leftOut("tmpfs", `the options ${lost.join(", ")}`);
  const targets = new Set([
    ...folders.map(({ target }) => target),
    ...component.volumes.map((text) => parseVolume(text)?.target ?? ""),
  ]);
  const writable = component.readOnly
    ? writableFolders.filter((target) => !targets.has(target)).map((target) => ({
      target,
      options: [],
    }))
    : [];
  return [...folders, ...writable].map(({ target, options }: (typeof folders)[number]) => {
    const size = options.find((option) => option.startsWith("size="))?.slice("size=".length);
    const bytes = size === undefined ? undefined : parseMemory(size);
    return {
      source: {
        emptyDir: { medium: "Memory", ...(bytes === undefined ? {} : { sizeLimit: bytes }) },
      },
      target,
      readOnly: options.includes("ro"),
    };
  });
}
