/**
 * Files of variables: a definition names them as well. Where one means something else to it than to
 * the other tool, what stands there is copied, so that the definition says all of it.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { parseDotenv } from "../definitions/dotenv.ts";
import { parseDotEnv } from "./dot_env.ts";
import type { Draft } from "./draft.ts";
import type { Origin } from "./findings.ts";
import type { Variables } from "./interpolate.ts";
import type { Sources } from "./sources.ts";

/** How a file of variables is read. */
interface EnvFileOptions {
  /** As it is written. */
  readonly path: string;
  /** Where it is. */
  readonly file: string;
  readonly origin: Origin;
  readonly required: boolean;
  /** What may stand in its values; undefined: they are taken as they stand. */
  readonly variables: Variables | undefined;
  /** Where names without a value get one. */
  readonly inherited: Variables;
}

/** Reads the variables of one file; they stand in `env` from then on. */
export function readEnvFile(draft: Draft, sources: Sources, options: EnvFileOptions): void {
  const { path, file, origin, required, variables, inherited } = options;
  const text = sources.get(file);
  if (text === undefined) {
    const what = `the variables of ${path}: there is no such file here`;
    if (required) draft.leftOut(origin, what, `Put ${file} there and import again`);
    else draft.leftOut(origin, what);
    return;
  }
  const read = parseDotEnv(text, variables);
  for (const { line, what } of read.mistakes) draft.mistake({ file, line, key: "" }, what);
  for (const { name, value, line } of read.variables) {
    draft.putIn("env", name, value, { file, line, key: name });
  }
  for (const { name, line } of read.bare) {
    const value = inherited.get(name);
    const from = { file, line, key: name };
    if (value !== undefined) draft.putIn("env", name, value, from);
    else draft.leftOut(from, `${name} is taken from whatever shell it was started in`);
  }
  const own = parseDotenv(text, file);
  const values = Object.fromEntries(read.variables.map(({ name, value }) => [name, value]));
  const isSame = own.mistakes.length === 0 && read.bare.length === 0 &&
    isDeepStrictEqual(own.values, values);
  if (isSame) {
    draft.envFiles.push({ path: file, values });
    return;
  }
  draft.changed(
    origin,
    read.variables.length === 1
      ? `1 variable of ${path} now stands in \`env\``
      : `${read.variables.length} variables of ${path} now stand in \`env\``,
    `Change them in the definition from now on; ${path} is not read again`,
  );
}
