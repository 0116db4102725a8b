/**
 * Files in front of those that a program imports while it runs.
 *
 * When a file is the first to import something, Deno 2.9.6 reads its source map, at each start: 1 MB,
 * and 8 ms, that only a stack trace has a use for. So a file in front imports all that the file behind it
 * needs, in the same order, and has no source map. `main.js` has none in front: it must know itself to be
 * the main one.
 *
 * Pure.
 *
 * @module
 */

const staticImport = /\b(?:from|import)"([^"]+)"/g;
const dynamicImport = /\bimport\("\.\/([^"]+)"\)/g;

/**
 * Puts a file in front of each that is imported while the program runs. The front gets its name, what
 * is behind is renamed; its source map keeps its name.
 *
 * @param code Text by file name, as the bundler wrote it.
 */
export function withFrontFiles(code: ReadonlyMap<string, string>): Map<string, string> {
  const loaded = new Set<string>();
  for (const text of code.values()) {
    for (const [, name = ""] of text.matchAll(dynamicImport)) loaded.add(name);
  }
  return new Map([...code].flatMap(([name, text]): [string, string][] => {
    if (!loaded.has(name)) return [[name, text]];
    const behind = name.replace(/\.js$/, "_.js");
    const imports = [...needsOf(name, code)].map((needed) => `import"${needed}";`);
    return [[name, `${imports.join("")}export*from"./${behind}";\n`], [behind, text]];
  }));
}

/** What a file imports, and what that imports, in the order in which it is run; also of Node. */
function needsOf(name: string, code: ReadonlyMap<string, string>): Set<string> {
  const needed = new Set<string>();
  const visited = new Set<string>();
  const visit = (file: string) => {
    visited.add(file);
    for (const [, specifier = ""] of (code.get(file) ?? "").matchAll(staticImport)) {
      const next = specifier.replace(/^\.\//, "");
      if (!code.has(next) && !specifier.startsWith("node:")) continue;
      if (!visited.has(next)) visit(next);
      if (next !== name) needed.add(specifier);
    }
  };
  visit(name);
  return needed;
}
