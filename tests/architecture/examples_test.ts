/**
 * The example files are the reference documentation: they decode, and no key is missing from them.
 *
 * @module
 */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { z } from "zod";
import { agentConfigSchema, decodeConfig } from "../../agent/config.ts";
import { cliConfigSchema, parseConfig } from "../../cli/settings/config.ts";
import { definitionSchema, parseDefinition } from "../../cli/definitions/definition.ts";
import { parseToml } from "../../lib/toml/parse.ts";

const examples = new URL("../../deploy/examples/", import.meta.url);

function example(name: string): string {
  return Deno.readTextFileSync(new URL(name, examples));
}

/** Every key of a schema, as dotted paths, through defaults and arrays. */
function keysOf(schema: z.ZodType, path = ""): string[] {
  if (
    schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ||
    schema instanceof z.ZodPrefault
  ) return keysOf(schema.def.innerType as z.ZodType, path);
  if (schema instanceof z.ZodArray) return keysOf(schema.element as z.ZodType, path);
  if (!(schema instanceof z.ZodObject)) return [path];
  return Object.entries(schema.shape).flatMap(([key, value]) =>
    keysOf(value as z.ZodType, path === "" ? key : `${path}.${key}`)
  );
}

/** Every key that a parsed file has, in the same form. */
function keysIn(value: unknown, path = ""): string[] {
  if (Array.isArray(value) && typeof value[0] === "object") return keysIn(value[0], path);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    keysIn(inner, path === "" ? key : `${path}.${key}`)
  );
}

/** Every key that any entry of a list has. */
function allKeysIn(value: unknown, path = ""): string[] {
  const isListOfTables = Array.isArray(value) && typeof value[0] === "object";
  if (isListOfTables) return value.flatMap((entry) => allKeysIn(entry, path));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    allKeysIn(inner, path === "" ? key : `${path}.${key}`)
  );
}

Deno.test("the agent's example config decodes and has every key", () => {
  const text = example("mcp-agent.toml");
  strictEqual(decodeConfig(text, "/srv/mcp/mcp-agent.toml").nodeName, "rift");
  const written = keysIn(parseToml(text, "mcp-agent.toml").value);
  deepStrictEqual(written.sort(), keysOf(agentConfigSchema).sort());
});

Deno.test("the agent's example config says the defaults where it has them", () => {
  const text = example("mcp-agent.toml");
  const bare = ["[agent]", "[server]", "[database]", "[auth]", "[mcias]", "[oidc]"];
  const required = text.split(/^(?=\[)/m).filter((table) =>
    bare.some((name) => table.startsWith(name))
  ).join("\n");
  deepStrictEqual(
    decodeConfig(required, "/srv/mcp/mcp-agent.toml"),
    decodeConfig(text, "/srv/mcp/mcp-agent.toml"),
  );
});

Deno.test("the workstation's example config decodes and has every key", () => {
  const text = example("mcp.toml");
  strictEqual(parseConfig(text, "/home/kyle/.config/mcp/mcp.toml", "/home/kyle").nodes.length, 1);
  const written = keysIn(parseToml(text, "mcp.toml").value);
  deepStrictEqual(written.sort(), keysOf(cliConfigSchema).sort());
});

Deno.test("the long example definition has every key", () => {
  const known = keysOf(definitionSchema);
  // What is in a table of names is the operator's own.
  const written = allKeysIn(parseToml(example("services/shop.toml"), "shop.toml").value)
    .map((key) => known.find((each) => key === each || key.startsWith(`${each}.`)) ?? key);
  deepStrictEqual([...new Set(written)].sort(), known.sort());
});

for (const entry of Deno.readDirSync(new URL("services/", examples))) {
  Deno.test(`the example definition ${entry.name} makes sense`, () => {
    const service = entry.name.replace(/\.toml$/, "");
    const definition = parseDefinition(example(`services/${entry.name}`), entry.name, {
      service,
      because: "as the file is called",
      nodeNames: ["demo", "rift"],
    });
    ok(definition.spec.components.length > 0);
  });
}
