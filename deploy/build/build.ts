/**
 * Builds the executables: bundles, decides the kind, puts them together, writes them.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOf } from "../../lib/version.ts";
import { bundle } from "./bundle.ts";
import { commitOf } from "./commit.ts";
import { compile, type Denort, findDenort } from "./compiled.ts";
import { denoCache } from "./deno_cache.ts";
import { licenceOf, licencesText } from "./licences.ts";
import { type BuiltProgram, builtPrograms } from "./programs.ts";
import { type DenoPart, denoPart, selfContained } from "./self_contained.ts";
import { type ArchivedFile, textFile } from "./tar.ts";

/** How to build. */
interface BuildOptions {
  /** Gets the executables; made if need be. */
  readonly out: string;
  /** Is given a line for people about each step. */
  readonly tell: (line: string) => void;
}

/** An executable that was built. */
export interface Built {
  readonly name: string;
  readonly path: string;
  readonly kind: Kind;
  readonly bytes: number;
  readonly sha256: string;
}

type Kind = "self-contained" | "compiled";

const repository = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** Builds all programs. What was there is replaced at the end of each, never half-written. */
export async function build(options: BuildOptions): Promise<readonly Built[]> {
  const { tell } = options;
  const out = resolve(options.out);
  await Deno.mkdir(out, { recursive: true });
  const commit = await commitOf(repository);
  tell(`Building ${commit} with Deno ${Deno.version.deno}`);
  const nodeFiles = await filesBelow(join(repository, "deploy/node"), "share/node");
  const template = await Deno.readTextFile(new URL("launcher.sh", import.meta.url));
  const denort = await findDenort((await denoCache()).denoDir, (name) => Deno.env.get(name));
  let deno: DenoPart | undefined;

  const made: Built[] = [];
  for (const program of await builtPrograms()) {
    const path = join(out, program.name);
    const temporary = `${path}.new`;
    const whyNot = program.fixedGrants === undefined
      ? "its permissions depend on what it is told to do, and a compiled one has fixed ones"
      : "absent" in denort
      ? denort.absent
      : await compiled(program, program.fixedGrants, {
        commit,
        nodeFiles,
        denort,
        output: temporary,
      });
    const kind: Kind = whyNot === undefined ? "compiled" : "self-contained";
    if (whyNot !== undefined) {
      tell(`${program.name}: self-contained; ${whyNot}`);
      const content = selfContained({
        template,
        program: program.name,
        version: withoutName(program.name, buildOf(program.name, { commit, kind })),
        arguments: program.arguments,
        // Once for all of them: it takes longer than everything else.
        deno: deno ??= denoPart(await Deno.readFile(Deno.execPath())),
        files: [...await programFiles(program, { commit, kind }), ...nodeFiles],
      });
      await Deno.writeFile(temporary, content, { mode: 0o755 });
    }
    await Deno.rename(temporary, path);
    made.push({ name: program.name, path, kind, ...await measured(path) });
  }
  return made;
}

async function compiled(
  program: BuiltProgram,
  grants: readonly string[],
  { commit, nodeFiles, denort, output }: {
    readonly commit: string;
    readonly nodeFiles: readonly ArchivedFile[];
    readonly denort: Denort;
    readonly output: string;
  },
): Promise<string | undefined> {
  const facts = { commit, kind: "compiled" } as const;
  return await compile({
    files: [...await programFiles(program, facts), ...nodeFiles],
    grants,
    version: buildOf(program.name, facts),
    denort,
    output,
  });
}

/** The bundle, and the licences of what is in it. */
async function programFiles(
  { entry }: BuiltProgram,
  facts: { readonly commit: string; readonly kind: Kind },
): Promise<ArchivedFile[]> {
  const { files, packages } = await bundle({ repository, entry, facts });
  const licences = licencesText([
    {
      of: `Deno ${Deno.version.deno}`,
      name: "MIT",
      text: await Deno.readTextFile(new URL("deno_licence.txt", import.meta.url)),
    },
    ...await Promise.all(packages.map(licenceOf)),
    {
      of: "Packages that come without a text of their own",
      name: "Apache-2.0",
      text: await Deno.readTextFile(new URL("apache_licence.txt", import.meta.url)),
    },
  ]);
  return [...files, textFile("share/licences.txt", licences)];
}

async function filesBelow(folder: string, as: string): Promise<ArchivedFile[]> {
  const files: ArchivedFile[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) files.push(...await filesBelow(path, `${as}/${name}`));
    // What runs on a node is in the bundle; here it is what the machine reads.
    else if (!name.endsWith(".ts")) {
      files.push({ path: `${as}/${name}`, mode: 0o644, content: await Deno.readFile(path) });
    }
  }
  return files;
}

function withoutName(name: string, text: string): string {
  return text.slice(name.length + 1);
}

async function measured(path: string): Promise<{ bytes: number; sha256: string }> {
  const content = await Deno.readFile(path);
  return {
    bytes: content.byteLength,
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}
