/**
 * `build`: MCP runs images and makes none.
 *
 * @module
 */

import { isLocalImage } from "../../../lib/domain/image.ts";
import { isNull } from "./place.ts";
import type { Field } from "./project.ts";

/** `build` */
export function readBuild({ project, draft, place }: Field): void {
  const { reader, service } = project;
  if (isNull(place.value)) return;
  const isTable = place.value.kind === "map";
  const text = (key: string) => {
    const found = isTable ? reader.entry(place, key) : undefined;
    return found === undefined || found.value.kind !== "scalar" || isNull(found.value)
      ? undefined
      : reader.text(found);
  };
  const context = (isTable ? text("context") : reader.text(place)) ?? ".";
  const dockerfile = text("dockerfile");
  const target = text("target");
  const args = isTable ? reader.entry(place, "args") : undefined;
  const words = [
    ...(dockerfile === undefined ? [] : [`--file ${quoted(dockerfile)}`]),
    ...(target === undefined ? [] : [`--target ${quoted(target)}`]),
    // Values may be secrets: the file has them.
    ...(args === undefined ? [] : reader.pairs(args)).map(({ name }) =>
      `--build-arg ${quoted(name)}=…`
    ),
  ];
  const isNamed = draft.spec.image !== "" && !isLocalImage(draft.spec.image);
  const tag = isNamed ? draft.spec.image : `REGISTRY/${service}-${draft.spec.name}:v1`;
  const build = ["podman build", ...words, `--tag ${tag}`, quoted(context)].join(" ");
  draft.leftOut(
    place.origin,
    "building its image",
    `Run \`${build}\` and \`podman push ${tag}\`, ` +
      (isNamed ? "which the definition names" : "and write that into `image`"),
  );
  if (draft.spec.image === "") {
    // An image of the node itself is never pulled: what is missing is told at once.
    draft.put("image", `localhost/${service}-${draft.spec.name}:latest`, place.origin);
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
