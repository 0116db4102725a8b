import { deepStrictEqual, notDeepStrictEqual, throws } from "node:assert/strict";
import { withStableNames } from "./stable_names.ts";

const none = { permissions: "none" } as const;

function bundle(one: string, other: string, text = "1"): Map<string, string> {
  return new Map([
    ["main.js", `import "./chunk-${one}.js"; import("./load-${other}.js"); "chunk-UNKNOWN1.js"`],
    [`chunk-${one}.js`, `export const a = ${text};\n//# sourceMappingURL=chunk-${one}.js.map`],
    [`load-${other}.js`, `import "./chunk-${one}.js"`],
  ]);
}

Deno.test("withStableNames() gives the same content the same names", none, () => {
  const names = withStableNames(bundle("AAAAAAAA", "BBBBBBBB"));
  deepStrictEqual(withStableNames(bundle("CCCC2222", "DDDD3333")), names);
  notDeepStrictEqual(withStableNames(bundle("AAAAAAAA", "BBBBBBBB", "2")), names);
});

Deno.test("withStableNames() renames what files call each other, and nothing else", none, () => {
  const files = withStableNames(bundle("AAAAAAAA", "BBBBBBBB"));
  const [main = "", chunk = "", load = ""] = files.keys();
  deepStrictEqual(
    [...files.values()],
    [
      `import "./${chunk}"; import("./${load}"); "chunk-UNKNOWN1.js"`,
      `export const a = 1;\n//# sourceMappingURL=${chunk}.map`,
      `import "./${chunk}"`,
    ],
  );
  deepStrictEqual([main, chunk.length], ["main.js", "chunk-AAAAAAAA.js".length]);
});

Deno.test("withStableNames() refuses to make two files one", none, () => {
  const twins = new Map([["chunk-AAAAAAAA.js", "1"], ["chunk-BBBBBBBB.js", "1"]]);
  throws(() => withStableNames(twins), /are the same/);
});
