/**
 * `volumes` of a service, in both forms, and what the file says of its volumes.
 *
 * @module
 */

import type { Draft } from "../draft.ts";
import type { Origin } from "../findings.ts";
import { mount, type MountHome, parseMount } from "../mounts.ts";
import { memoryOf } from "../values.ts";
import { isNull, modeOf, type Place } from "./place.ts";
import { type Field, isExternal, type Project, resourceName, topLevel } from "./project.ts";

/** `volumes` */
export function readVolumes(field: Field): void {
  const { project, draft, place } = field;
  const home = homeOf(project);
  for (const item of project.reader.items(place)) {
    if (item.value.kind === "map") {
      readLong(field, item, home);
      continue;
    }
    const text = project.reader.text(item);
    if (text === undefined) continue;
    const written = parseMount(text);
    if (written === undefined) {
      draft.mistake(item.origin, "expected source:target[:options]");
    } else {
      const options = written.options.filter((option) => option !== "nocopy");
      if (options.length < written.options.length) draft.leftOut(item.origin, noCopy);
      mount(draft, { ...written, options }, home, item.origin);
    }
  }
}

const noCopy = "nocopy: a new volume begins with what the image has there";

function homeOf(project: Project): MountHome {
  return {
    service: project.service,
    volumeName: (written, draft, origin) => volumeName(project, written, draft, origin),
  };
}

/** The volume keeps the name that Compose gave it: what is in one already is found again. */
function volumeName(project: Project, written: string, draft: Draft, origin: Origin): string {
  const { findings, reader } = project;
  const place = topLevel(project, "volumes", written);
  if (place === undefined) {
    draft.mistake(origin, `${JSON.stringify(written)} is none of the file's volumes`);
    return written;
  }
  const name = resourceName(project, written, place);
  if (isExternal(project, place)) {
    findings.needs(
      place.origin,
      `the volume ${name} must hold what it held before`,
      `Copy it to the node, e.g. with \`podman volume export\` and \`podman volume import\``,
    );
    return name;
  }
  findings.changed(
    place.origin,
    `the volume is called ${name} on the node, and podman makes it when it is missing`,
    `To keep the data where \`mcp push\` and \`mcp pull\` reach it, write ` +
      `/srv/${project.service}/${written} in its place`,
  );
  for (const [option, inner] of isNull(place.value) ? [] : reader.entries(place)) {
    if (["name", "external"].includes(option) || option.startsWith("x-")) continue;
    if (option === "driver" && ["local", ""].includes(reader.text(inner) ?? "")) continue;
    findings.leftOut(
      inner.origin,
      `${JSON.stringify(option)} of the volume ${name}`,
      `Make it before the first deploy: \`podman volume create … ${name}\``,
    );
  }
  return name;
}

function readLong(field: Field, item: Place, home: MountHome): void {
  const { project: { reader }, draft } = field;
  const text = (key: string) => reader.textOf(item, key);
  const target = text("target");
  const type = text("type") ?? "volume";
  if (target === undefined) return draft.mistake(item.origin, "there is no target");
  if (type === "tmpfs") {
    draft.push("tmpfs", `${target}${tmpfsOptions(field, item)}`, item.origin);
    return;
  }
  if (type !== "bind" && type !== "volume") {
    return draft.leftOut(item.origin, `a mount of type ${JSON.stringify(type)}`);
  }
  const options: string[] = [];
  const readOnly = reader.entry(item, "read_only");
  if (readOnly !== undefined && reader.flag(readOnly) === true) options.push("ro");
  for (const [key, inner] of reader.entries(item)) {
    if (key !== "bind" && key !== "volume") continue;
    for (const [option, value] of isNull(inner.value) ? [] : reader.entries(inner)) {
      if (option === "selinux") options.push(reader.text(value) ?? "");
      // Folders below /srv are made, and those elsewhere never are.
      else if (option !== "create_host_path") {
        draft.leftOut(
          value.origin,
          option === "nocopy" ? noCopy : `${JSON.stringify(option)} of a mount`,
        );
      }
    }
  }
  mount(draft, { source: text("source") ?? "", target, options }, home, item.origin);
}

function tmpfsOptions({ project: { reader }, draft }: Field, item: Place): string {
  const table = reader.said(item, "tmpfs");
  if (table === undefined) return "";
  const options: string[] = [];
  for (const [key, place] of reader.entries(table)) {
    const text = reader.text(place) ?? "";
    if (key === "size") {
      const size = memoryOf(text);
      if (size === undefined) draft.mistake(place.origin, "expected a size like 64m");
      else options.push(`size=${size}`);
    } else if (key === "mode" && modeOf(place) !== undefined) {
      options.push(`mode=${modeOf(place)?.toString(8).padStart(4, "0")}`);
    } else {
      draft.leftOut(place.origin, `${JSON.stringify(key)} of a folder in memory`);
    }
  }
  return options.length === 0 ? "" : `:${options.join(",")}`;
}
