import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { componentDefaults } from "../../lib/domain/component_spec.ts";
import { McpError } from "../../lib/errors.ts";
import type { Definition } from "./definition.ts";
import { readEnvFiles } from "./env_files.ts";

const texts: Readonly<Record<string, string>> = {
  "/home/ada/one.env": "A=one\nB=one\nC=one\n",
  "/home/ada/sub/two.env": "B=two\nC=two\n",
  "/etc/bad.env": "A=1\nhidden\n=hidden\n",
  "/etc/odd.env": `A=${"x".repeat(200_000)}\n`,
};
const files = { readText: (path: string) => Promise.resolve(texts[path]) };

function definition(...paths: readonly string[]): Definition {
  const web = { ...componentDefaults, name: "web", image: "registry.example/web:v1" };
  const components = [{ ...web, env: { C: "own" } }, { ...web, name: "api" }];
  return {
    nodeName: "rift",
    spec: { name: "shop", active: true, components },
    sources: {
      file: "/home/ada/shop.toml",
      envFiles: paths.map((path, at) => ({ component: "web", path, line: 10 + at })),
      secrets: [],
    },
  };
}

async function mistakesOf(...paths: readonly string[]): Promise<readonly string[]> {
  let details: readonly string[] = [];
  await rejects(readEnvFiles(files, definition(...paths)), (error) => {
    if (!(error instanceof McpError)) return false;
    details = [error.kind, ...error.details];
    return true;
  });
  return details;
}

Deno.test({
  name: "readEnvFiles(): a later file counts before an earlier one, and `env` before all",
  permissions: "none",
  fn: async () => {
    const { components } = await readEnvFiles(files, definition("one.env", "sub/two.env"));
    deepStrictEqual(components.map(({ env }) => env), [{ A: "one", B: "two", C: "own" }, {}]);
    const other = await readEnvFiles(files, definition("sub/two.env", "/home/ada/one.env"));
    deepStrictEqual(other.components[0]?.env, { A: "one", B: "one", C: "own" });
  },
});

Deno.test({
  name: "readEnvFiles() leaves a definition without files as it is",
  permissions: "none",
  fn: async () => {
    const { spec } = definition();
    strictEqual(await readEnvFiles(files, definition("one.env")) === spec, false);
    strictEqual(await readEnvFiles(files, { spec }), spec);
  },
});

Deno.test({
  name: "readEnvFiles() tells every mistake of every file, with no value",
  permissions: "none",
  fn: async () =>
    deepStrictEqual(await mistakesOf("none.env", "one.env", "/etc/bad.env"), [
      "invalid",
      "/home/ada/shop.toml:10: env_file: there is no file /home/ada/none.env",
      "/etc/bad.env:2: expected NAME=value",
      "/etc/bad.env:3: expected a variable's name before =",
    ]),
});

Deno.test({
  name: "readEnvFiles() refuses more than a container can be given",
  permissions: "none",
  fn: async () =>
    deepStrictEqual(await mistakesOf("/etc/odd.env"), [
      "invalid",
      "/home/ada/shop.toml: components[0].env: expected at most 131072 characters in all, " +
      "found 200005",
    ]),
});
