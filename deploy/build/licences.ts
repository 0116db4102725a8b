/**
 * The licences of what an executable carries, as one text to ship with it.
 *
 * @module
 */

import { join } from "node:path";
import type { Package } from "./bundle.ts";

/** The licence of one thing that is inside. */
interface Licence {
  /** E.g. "zod 4.6.7". */
  readonly of: string;
  /** E.g. "MIT", as its maker names it. */
  readonly name: string;
  /** What its maker ships with it; absent where that is nothing. */
  readonly text?: string;
}

/** What its maker says of a package. */
export async function licenceOf({ name, version, folder }: Package): Promise<Licence> {
  const { license }: { readonly license: string } = JSON.parse(
    await Deno.readTextFile(join(folder, "package.json")),
  );
  const of = { of: `${name} ${version}`, name: license };
  for await (const { name: file, isFile } of Deno.readDir(folder)) {
    if (isFile && /^licen[cs]e(\.(txt|md))?$/i.test(file)) {
      return { ...of, text: await Deno.readTextFile(join(folder, file)) };
    }
  }
  return of;
}

/** All of them, in the order given. */
export function licencesText(licences: readonly Licence[]): string {
  const parts = licences.map(({ of, name, text }) =>
    `${of}\n${name}\n\n${
      text?.trim() ?? "It comes without a text of its own; that of each licence it names is here."
    }\n`
  );
  return [
    "This program carries the following, under the licences that follow each name.\n",
    ...parts,
  ].join(`\n${"-".repeat(80)}\n\n`);
}
