/**
 * Networks: a component has one.
 *
 * @module
 */

import type { Draft } from "../draft.ts";
import type { Origin } from "../findings.ts";
import { isNull } from "./place.ts";
import { type Field, isExternal, type Project, resourceName, topLevel } from "./project.ts";

/** The networks of one service, in the order in which they are written. */
interface Attachments {
  readonly draft: Draft;
  readonly networks: readonly { readonly name: string; readonly origin: Origin }[];
}

/** `network_mode` */
export function readNetworkMode({ project, draft, place }: Field): void {
  const mode = project.reader.text(place);
  if (mode === undefined) return;
  if (mode === "host" || mode === "none") return draft.put("network", mode, place.origin);
  if (mode === "bridge" || mode === "default") return;
  const [, kind = "", name = ""] = /^(service|container):(.*)$/.exec(mode) ?? [];
  draft.leftOut(
    place.origin,
    kind === ""
      ? `the network mode ${JSON.stringify(mode)}`
      : `the network of ${kind} ${JSON.stringify(name)}: a component has one of its own`,
    kind === ""
      ? "Name a network of the node in `network`"
      : 'Publish its ports on both, or write `network = "host"` for both',
  );
}

/** `networks` of one service; those without any are on the one called "default". */
export function attachmentsOf(
  project: Project,
  draft: Draft,
  field: Field | undefined,
): Attachments {
  const { reader } = project;
  const place = field?.place;
  if (place === undefined || isNull(place.value)) {
    return { draft, networks: [{ name: "default", origin: draft.origin }] };
  }
  if (place.value.kind === "list") {
    const networks = reader.texts(place).map(({ text, origin }) => ({ name: text, origin }));
    return { draft, networks };
  }
  const networks = reader.entries(place).map(([name, inner]) => {
    if (!isNull(inner.value)) {
      for (const [key, { origin }] of reader.entries(inner)) {
        if (key === "aliases") {
          draft.leftOut(
            origin,
            "other names for it on that network",
            `Others reach it by its container's name only`,
          );
        } else {
          draft.leftOut(origin, `${JSON.stringify(key)} on that network`);
        }
      }
    }
    return { name, origin: inner.origin };
  });
  return { draft, networks };
}

/** Gives each component its one network, and says what that cuts. */
export function connect(project: Project, all: readonly Attachments[]): void {
  const users = new Map<string, Draft[]>();
  for (const { draft, networks } of all) {
    for (const { name } of networks) users.set(name, [...users.get(name) ?? [], draft]);
  }
  for (const { draft, networks } of all) {
    const [first, ...others] = networks;
    if (first === undefined) continue;
    const place = topLevel(project, "networks", first.name);
    // Alone on a network that the file does not describe, it needs none of its own.
    const isAlone = (users.get(first.name)?.length ?? 0) < 2;
    if (!(first.name === "default" && isAlone && place === undefined)) {
      draft.put("network", resourceName(project, first.name, place), first.origin);
      announce(project, first.name);
    }
    for (const { name, origin } of others) {
      const here = new Set(users.get(first.name));
      const lost = (users.get(name) ?? [])
        .filter((each) => !here.has(each))
        .map((each) => each.spec.name);
      draft.leftOut(
        origin,
        `the network ${JSON.stringify(name)}: a component has one`,
        lost.length === 0
          ? isOthers(project, name) ? "Name it in `network` if others on it must reach this" : ""
          : `It does not reach ${lost.join(", ")} any more: write one \`network\` for all of them`,
      );
    }
  }
}

function isOthers(project: Project, name: string): boolean {
  const place = topLevel(project, "networks", name);
  return place !== undefined && isExternal(project, place);
}

/** Nobody makes networks but the operator. */
function announce(project: Project, name: string): void {
  const { findings, reader, root } = project;
  const place = topLevel(project, "networks", name);
  const onNode = resourceName(project, name, place);
  const key = `networks.${name}`;
  const origin = place?.origin ?? { ...(reader.entry(root, "services") ?? root).origin, key };
  if (place !== undefined && isExternal(project, place)) {
    return findings.needs(
      origin,
      `the network ${onNode} must be on the node`,
      `Look with \`podman network ls\`, as the user the agent's podman runs as`,
    );
  }
  const internal = place && reader.entry(place, "internal");
  const isInternal = internal !== undefined && reader.flag(internal) === true;
  findings.needs(
    origin,
    `the network ${onNode} must be on the node`,
    `Run \`podman network create ${isInternal ? "--internal " : ""}${onNode}\` there, ` +
      "as the user the agent's podman runs as",
  );
  if (place === undefined || isNull(place.value)) return;
  for (const [option, { origin: where }] of reader.entries(place)) {
    if (["name", "internal", "external"].includes(option) || option.startsWith("x-")) continue;
    const driver = option === "driver" ? reader.entry(place, option) : undefined;
    if (driver !== undefined && ["bridge", ""].includes(reader.text(driver) ?? "")) continue;
    findings.leftOut(
      where,
      `${JSON.stringify(option)} of the network ${onNode}`,
      "Say it to `podman network create`",
    );
  }
}
