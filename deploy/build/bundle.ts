/**
 * A program with everything it loads, as a few files of JavaScript.
 *
 * Done by `deno bundle`: nothing is fetched when the program runs, and what nobody imports stays out.
 * Minified, which starts faster, with names kept and source maps, so that a stack still tells files,
 * lines and functions of the source.
 *
 * @module
 */

import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { demandCommand } from "../sandbox/command.ts";
import { denoCache } from "./deno_cache.ts";
import { withFrontFiles } from "./front_files.ts";
import { withNodeImports } from "./node_requires.ts";
import { withStableNames } from "./stable_names.ts";
import { type ArchivedFile, textFile } from "./tar.ts";

/** What is bundled. */
interface BundleRequest {
  readonly repository: string;
  /** Path in the repository. */
  readonly entry: string;
  /** How the program was made; takes the place of `lib/build_facts.ts`. */
  readonly facts: { readonly commit: string; readonly kind: string };
}

/** A bundled program. */
interface Bundle {
  /** `main.js`, what it loads, and their source maps. */
  readonly files: readonly ArchivedFile[];
  /** The packages that are inside, as name and version, sorted. */
  readonly packages: readonly Package[];
}

/** A package of the npm registry, unpacked in Deno's cache. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
  readonly names: readonly string[];
}

/** A line put before the code of a file that has a certain text in it. */
interface Prelude {
  readonly wherever: string;
  readonly line: string;
}

const preludes: readonly Prelude[] = [
  {
    // What is left of `require` after `withNodeImports()`: Deno gives it to bundles only where these
    // are not minified. Everything else is bundled.
    wherever: "Dynamic require of",
    line: "var require = (name) => process.getBuiltinModule(name);",
  },
  {
    // Making the first one takes 8 ms of each start, and few commands measure the width of texts.
    wherever: "new Intl.Segmenter(",
    line: "var Intl = { __proto__: globalThis.Intl, Segmenter: class {" +
      " constructor(...made) { this.made = made; }" +
      " segment(text) { return new globalThis.Intl.Segmenter(...this.made).segment(text); } } };",
  },
];

/** Where the parts of a bundle come from. */
interface Origins {
  readonly repository: string;
  readonly npmCache: string;
  readonly factsFile: string;
}

/** Bundles a program. */
export async function bundle({ repository, entry, facts }: BundleRequest): Promise<Bundle> {
  const folder = await Deno.makeTempDir({ prefix: "mcp-bundle-" });
  try {
    const factsFile = join(folder, "build_facts.ts");
    await Deno.writeTextFile(factsFile, `export const buildFacts = ${JSON.stringify(facts)};\n`);
    const importMap = join(folder, "import_map.json");
    const replaced = pathToFileURL(join(repository, "lib/build_facts.ts")).href;
    await Deno.writeTextFile(
      importMap,
      JSON.stringify({ imports: { [replaced]: pathToFileURL(factsFile).href } }),
    );
    const run = async (outdir: string, ...options: readonly string[]) => {
      await demandCommand(`bundle ${entry}`, [
        ...[Deno.execPath(), "bundle", "--quiet", "--frozen", "--platform=deno"],
        ...["--code-splitting", ...options, `--import-map=${importMap}`, `--outdir=${outdir}`],
        join(repository, entry),
      ], { timeoutMs: 600_000, cwd: repository });
      return outdir;
    };
    const { npmCache } = await denoCache();
    const minified = await run(
      join(folder, "minified"),
      ...["--minify", "--keep-names", "--sourcemap=linked"],
    );
    const plain = await run(join(folder, "plain"));
    return {
      files: await collect(minified, { repository, npmCache, factsFile }),
      packages: await packagesIn(plain, npmCache),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function collect(outdir: string, origins: Origins): Promise<ArchivedFile[]> {
  const code = new Map<string, string>();
  const maps: SourceMap[] = [];
  for (const name of (await filesIn(outdir)).filter((name) => name.endsWith(".js"))) {
    code.set(name, await Deno.readTextFile(join(outdir, name)));
    maps.push(JSON.parse(await Deno.readTextFile(join(outdir, `${name}.map`))));
  }
  const texts = new Map<string, string>();
  // In the same order as before, so that each finds its map.
  const mapFiles = [...withStableNames(code)].map(([name, bundled], at) => {
    const { sources = [], names = [], mappings = "" } = maps[at] ?? {};
    const { text, line } = withNodeImports(bundled);
    const lines = [
      ...(line === undefined ? [] : [line]),
      ...preludes.filter(({ wherever }) => text.includes(wherever)).map(({ line }) => line),
    ];
    texts.set(name, [...lines, text].join("\n"));
    // Without the sources' text, and without the paths of the machine that built it.
    const map = {
      version: 3,
      sources: sources.map((source) => told(resolve(outdir, source), origins)),
      names,
      mappings: ";".repeat(lines.length) + mappings,
    };
    return textFile(`${name}.map`, JSON.stringify(map));
  });
  return [
    ...[...withFrontFiles(texts)].map(([name, text]) => textFile(name, text)),
    ...mapFiles,
  ];
}

/** How a stack names a source: as a path of the repository, or of a package. */
function told(path: string, { repository, npmCache, factsFile }: Origins): string {
  if (path === factsFile) return "lib/build_facts.ts";
  if (path.startsWith(`${repository}/`)) return relative(repository, path);
  const [_registry, ...inPackages] = relative(npmCache, path).split("/");
  return join("npm", ...inPackages);
}

/**
 * The packages that a bundle has something of. Where it is not minified it names the file before
 * its content; source maps would not do, for some packages bring maps of their maker's folders.
 */
async function packagesIn(outdir: string, npmCache: string): Promise<Package[]> {
  const found = new Map<string, Package>();
  const file = /^ *(?:\/\/ |")\S*\/npm\/([^/\s]+)\/((?:@[^/\s]+\/)?[^/\s]+)\/([^/\s]+)\//gm;
  for (const name of await filesIn(outdir)) {
    const text = await Deno.readTextFile(join(outdir, name));
    for (const [, registry = "", name = "", version = ""] of text.matchAll(file)) {
      const folder = join(npmCache, registry, name, version);
      found.set(folder, { name, version, folder });
    }
  }
  return [...found.values()].sort((a, b) => a.folder < b.folder ? -1 : 1);
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}
