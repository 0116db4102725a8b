import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { withNodeImports } from "./node_requires.ts";

Deno.test({
  name: "withNodeImports() imports what is required, and moves nothing",
  permissions: "none",
  fn() {
    const code = 'var a=r("node:tls"),b=r("node:http2"),c=r("node:tls");';
    const { text, line } = withNodeImports(code);
    strictEqual(text, "var a=node$tls     ,b=node$http2     ,c=node$tls     ;");
    strictEqual(text.length, code.length);
    strictEqual(line, 'import node$tls from"node:tls";import node$http2 from"node:http2";');
  },
});

for (
  const code of [
    'import{isIP as a}from"node:net";',
    'await import("node:net");',
    'process.getBuiltinModule("node:net");',
    'var a="node:net";',
    'r("./net");',
  ]
) {
  Deno.test({
    name: `withNodeImports() leaves alone ${code}`,
    permissions: "none",
    fn: () => deepStrictEqual(withNodeImports(code), { text: code, line: undefined }),
  });
}
