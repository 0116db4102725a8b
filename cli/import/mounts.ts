/**
 * Mounts in the forms that Compose and podman share.
 *
 * @module
 */

import { posix } from "node:path";
import { parseVolume } from "../../lib/domain/mappings.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";

/** A folder, a file or a volume that a container sees. */
export interface Mount {
  /** As it is written; empty = a volume without a name. */
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

/** What mounts are made for. */
export interface MountHome {
  readonly service: string;
  /** What the volume of that name is called on the node. */
  volumeName(written: string, draft: Draft, origin: Origin): string;
}

const known = new Set(["ro", "rw", "z", "Z", "U", "nosuid", "nodev", "noexec"]);
/** They say how a Mac or a remote folder is kept in step, and nothing on a node. */
const meaningless = new Set(["cached", "delegated", "consistent", "default"]);

/** "source:target[:options]", "target"; undefined when it is none. */
export function parseMount(text: string): Mount | undefined {
  // A drive's letter is no source of its own.
  const drive = /^[a-zA-Z]:[\\/]/.test(text) ? text.slice(0, 2) : "";
  const [first = "", target, options = "", ...rest] = text.slice(drive.length).split(":");
  if (rest.length > 0) return undefined;
  if (target === undefined) return { source: "", target: first, options: [] };
  return {
    source: `${drive}${first}`,
    target,
    options: options === "" ? [] : options.split(","),
  };
}

/** Adds a mount to the component. */
export function mount(draft: Draft, written: Mount, home: MountHome, origin: Origin): void {
  const { service } = home;
  const options: string[] = [];
  for (const option of written.options.map((each) => each.trim()).filter((each) => each !== "")) {
    if (known.has(option)) {
      if (option !== "rw" && !options.includes(option)) options.push(option);
    } else if (!meaningless.has(option)) {
      draft.leftOut(origin, `the mount option ${JSON.stringify(option)}`);
    }
  }
  const target = tidy(written.target);
  if (written.source === "") {
    return draft.leftOut(
      origin,
      `a volume without a name at ${target}: it would not be found again`,
      `Write ${
        JSON.stringify(`/srv/${service}/${posix.basename(target) || "data"}:${target}`)
      } into \`volumes\` to keep what is in it`,
    );
  }
  const source = sourceOf(draft, written.source, home, origin);
  if (source === undefined) return;
  const text = [source, target, ...(options.length === 0 ? [] : [options.join(",")])].join(":");
  if (parseVolume(text) === undefined) {
    return draft.leftOut(origin, `${JSON.stringify(text)} is no mount that a definition can have`);
  }
  // A later mount hides an earlier one at the same place.
  if (draft.spec.volumes.some((each) => each.split(":")[1] === target)) {
    return draft.leftOut(origin, `something else is mounted at ${target} already`);
  }
  draft.push("volumes", text, origin);
}

function sourceOf(
  draft: Draft,
  written: string,
  home: MountHome,
  origin: Origin,
): string | undefined {
  if (/^[a-zA-Z]:[\\/]|\\/.test(written)) {
    draft.leftOut(origin, `${JSON.stringify(written)} is a path of Windows`);
    return undefined;
  }
  if (/^\.|^~|^%h\//.test(written) || (written.includes("/") && !written.startsWith("/"))) {
    return belowSrv(draft, written, home.service, origin);
  }
  if (!written.startsWith("/")) return home.volumeName(written, draft, origin);
  const path = tidy(written);
  if (/(^|\/)(docker|podman)\.sock$/.test(path)) {
    draft.needs(
      origin,
      `${path} lets the container do whatever its owner may`,
      "Leave it out, or name the socket that the node has",
    );
  }
  return path;
}

/** A path beside the file that is imported becomes one in the folder of the service. */
function belowSrv(draft: Draft, written: string, service: string, origin: Origin): string {
  const inside = posix.normalize(written.replace(/^(~[^/]*|%h)/, "."))
    .split("/").filter((part) => part !== "" && part !== "." && part !== "..").join("/");
  const path = inside === "" ? `/srv/${service}` : `/srv/${service}/${inside}`;
  draft.changed(origin, `${written} became ${path} of the node`);
  // What has an ending is most likely one file; but for conf.d and the like.
  const isFile = /\.[a-zA-Z0-9]{1,8}$/.test(posix.basename(inside)) && !/(\/|\.d)$/.test(written);
  draft.needs(
    origin,
    `${path} must be there`,
    isFile
      ? `Run \`mcp push ${written} ${service} ${inside}\``
      : `Copy what is in ${written} to it; single files with \`mcp push FILE ${service} ${
        inside === "" ? "" : `${inside}/`
      }\``,
  );
  return path;
}

/** Without what says nothing: a slash at the end, doubled ones, "." between two. */
function tidy(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}
