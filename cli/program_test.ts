import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { allCommands, groups, namedCommand } from "./program.ts";

const program = await allCommands();

Deno.test({
  name: "program has each command once",
  permissions: "none",
  fn() {
    const paths = program.map(({ path }) => path.join(" "));
    deepStrictEqual(paths, [...new Set(paths)]);
  },
});

Deno.test({
  name: "program introduces every group, and every command in one sentence without a full stop",
  permissions: "none",
  fn() {
    for (const { path, summary } of program) {
      match(summary, /^[A-Z].*[^.]$/, path.join(" "));
      ok(path.length === 1 || path[0] in groups, path[0]);
    }
  },
});

Deno.test({
  name: "program shows of every command an example that begins with it",
  permissions: "none",
  fn() {
    for (const { path, examples } of program) {
      for (const { line } of examples) ok(line.startsWith(`mcp ${path.join(" ")}`), line);
    }
  },
});

Deno.test({
  name: "namedCommand() finds every command by its words, and no other",
  permissions: "none",
  async fn() {
    for (const { path } of program) {
      deepStrictEqual((await namedCommand([...path, "x"]))?.path, path);
    }
    for (const args of [[], ["node"], ["--json", "list"], ["lists"]]) {
      strictEqual(await namedCommand(args), undefined, args.join(" "));
    }
  },
});
