/**
 * Node's modules that packages in CommonJS require, imported instead.
 *
 * The only door to them that Deno gives a bundle, `process.getBuiltinModule()`, takes 8 ms of a start to
 * open; an import takes none. Nothing moves: a name is as long as the call that it takes the place of,
 * because source maps count columns.
 *
 * Pure.
 *
 * @module
 */

/** A call of what the bundler has put in the place of `require`. */
const required = /(?<![.\w$])(?!import\b)[\w$]+\("node:([a-z_]+[a-z0-9])"\)/g;

/** The text of a file of a bundle, and the line that has to go before it; undefined where none has. */
export function withNodeImports(
  code: string,
): { readonly text: string; readonly line: string | undefined } {
  const names = new Set<string>();
  const text = code.replace(required, (call, name: string) => {
    names.add(name);
    return variable(name).padEnd(call.length);
  });
  const imports = [...names].map((name) => `import ${variable(name)} from"node:${name}";`);
  return { text, line: imports.join("") || undefined };
}

/** No longer than the shortest call. */
function variable(name: string): string {
  return `node$${name}`;
}
