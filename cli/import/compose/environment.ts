/**
 * `environment` and `env_file`.
 *
 * @module
 */

import { readEnvFile } from "../env_file.ts";
import { isNull, type Place } from "./place.ts";
import { beside } from "../beside.ts";
import type { Field } from "./project.ts";

/** `environment` */
export function readEnvironment({ project, draft, place }: Field): void {
  for (const { name, value, origin } of project.reader.pairs(place)) {
    const inherited = value ?? project.variables.get(name);
    if (inherited !== undefined) {
      draft.putIn("env", name, inherited, origin);
    } else {
      draft.leftOut(
        origin,
        `${name} is taken from whatever shell Compose was started in`,
        `Write its value into \`env\`, or set ${name} in the .env file and import again`,
      );
    }
  }
}

/** `env_file` */
export function readEnvFiles({ project, draft, place }: Field): void {
  const { reader } = project;
  for (const item of reader.oneOrMore(place)) {
    const isTable = item.value.kind === "map";
    const pathPlace = isTable ? reader.entry(item, "path") : item;
    const path = pathPlace && reader.text(pathPlace);
    if (path === undefined) {
      if (pathPlace === undefined) draft.mistake(item.origin, "there is no path");
      continue;
    }
    const required = isTable ? flagOf(item, "required", project.reader) ?? true : true;
    const format = isTable ? reader.entry(item, "format") : undefined;
    const isRaw = format !== undefined && reader.text(format) === "raw";
    const known = new Map([...project.variables, ...Object.entries(draft.spec.env)]);
    readEnvFile(draft, project.sources, {
      path,
      file: beside(item.origin, path),
      origin: item.origin,
      required,
      variables: isRaw ? undefined : known,
      inherited: project.variables,
    });
  }
}

function flagOf(place: Place, key: string, reader: Field["project"]["reader"]) {
  const entry = reader.entry(place, key);
  return entry === undefined || isNull(entry.value) ? undefined : reader.flag(entry);
}
