/**
 * `secrets` and `configs` of a service: both are files in the container.
 *
 * @module
 */

import { basename } from "node:path";
import { mount } from "../mounts.ts";
import { mountSecret, whereItComesFrom } from "../secret_mount.ts";
import { beside } from "../sources.ts";
import { modeOf, type Place } from "./place.ts";
import { type Field, isExternal, topLevel } from "./project.ts";

/** `secrets` */
export function readSecrets(field: Field): void {
  const { project, draft, place } = field;
  const { reader } = project;
  for (const item of reader.items(place)) {
    const { source, target, mode, uid, gid } = mountOf(field, item);
    if (source === undefined) continue;
    const declared = topLevel(project, "secrets", source);
    if (declared === undefined) {
      draft.mistake(item.origin, `${JSON.stringify(source)} is none of the file's secrets`);
      continue;
    }
    const { file, from } = originOfSecret(field, declared);
    const isMounted = mountSecret(
      draft,
      {
        name: source,
        file: file === undefined ? undefined : beside(declared.origin, file),
        target,
        mode,
        uid,
        gid,
      },
      item.origin,
    );
    if (!isMounted || file !== undefined) continue;
    draft.needs(
      item.origin,
      `nobody says where the secret ${source} comes from${from}`,
      whereItComesFrom,
    );
  }
}

function originOfSecret({ project }: Field, declared: Place) {
  const { reader } = project;
  const file = reader.textOf(declared, "file");
  if (file !== undefined) return { file, from: "" };
  const variable = reader.textOf(declared, "environment");
  if (variable !== undefined) {
    return { file: undefined, from: `: it is in the variable ${variable} of a shell` };
  }
  return {
    file: undefined,
    from: isExternal(project, declared) ? ": somebody else keeps it" : "",
  };
}

/** `configs`: each becomes a file in the folder of the service, mounted for reading. */
export function readConfigs(field: Field): void {
  const { project, draft, place } = field;
  const { reader, service } = project;
  for (const item of reader.items(place)) {
    const { source, target, mode } = mountOf(field, item);
    if (source === undefined) continue;
    const declared = topLevel(project, "configs", source);
    if (declared === undefined) {
      draft.mistake(item.origin, `${JSON.stringify(source)} is none of the file's configs`);
      continue;
    }
    const local = reader.textOf(declared, "file");
    const content = reader.entry(declared, "content");
    const inside = `configs/${local === undefined ? source : basename(local)}`;
    const path = target ?? `/${source}`;
    const home = { service, volumeName: () => source };
    mount(
      draft,
      { source: `/srv/${service}/${inside}`, target: path, options: ["ro"] },
      home,
      item.origin,
    );
    draft.changed(item.origin, `the config ${source} became /srv/${service}/${inside} of the node`);
    const push = `mcp push ${local ?? "FILE"} ${service} ${inside}`;
    draft.needs(
      content?.origin ?? declared.origin,
      `/srv/${service}/${inside} must be there`,
      local !== undefined
        ? `Run \`${push}\``
        : content !== undefined
        ? `Copy its content into a file and run \`${push}\``
        : `Write it into a file and run \`${push}\``,
    );
    if (mode !== undefined) {
      draft.leftOut(item.origin, "its mode: `mcp push` keeps that of the local file");
    }
  }
}

/** One secret or config as a service names it, in either form. */
function mountOf({ project: { reader }, draft }: Field, item: Place) {
  if (item.value.kind !== "map") {
    const none = { target: undefined, mode: undefined, uid: undefined, gid: undefined };
    return { source: reader.text(item), ...none };
  }
  const text = (key: string) => reader.textOf(item, key);
  const source = text("source");
  if (source === undefined) draft.mistake(item.origin, "there is no source");
  const mode = reader.entry(item, "mode");
  const bits = mode && modeOf(mode);
  if (mode !== undefined && bits === undefined) {
    draft.mistake(mode.origin, "expected permission bits like 0440");
  }
  return { source, target: text("target"), mode: bits, uid: text("uid"), gid: text("gid") };
}
