import { deepStrictEqual } from "node:assert/strict";
import { withFrontFiles } from "./front_files.ts";

Deno.test({
  name: "withFrontFiles() imports in front what is needed behind, in the order of its running",
  permissions: "none",
  fn() {
    const a = 'import{x}from"./b.js";import"node:tls";x();';
    const b = 'import{y}from"./c.js";export{y as x};';
    const c = "export var y=1;";
    const main = 'import{y}from"./c.js";await import("./a.js");';
    const code = new Map(Object.entries({ "main.js": main, "a.js": a, "b.js": b, "c.js": c }));
    deepStrictEqual(Object.fromEntries(withFrontFiles(code)), {
      "main.js": main,
      "a.js": 'import"./c.js";import"./b.js";import"node:tls";export*from"./a_.js";\n',
      "a_.js": a,
      "b.js": b,
      "c.js": c,
    });
  },
});

Deno.test({
  name: "withFrontFiles() comes to an end where files import each other",
  permissions: "none",
  fn() {
    const code = new Map(Object.entries({
      "main.js": 'await import("./a.js");',
      "a.js": 'import"./b.js";',
      "b.js": 'import"./a.js";',
    }));
    deepStrictEqual(withFrontFiles(code).get("a.js"), 'import"./b.js";export*from"./a_.js";\n');
  },
});
