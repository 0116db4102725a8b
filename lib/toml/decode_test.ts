import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { z } from "zod";
import { McpError } from "../errors.ts";
import { complaintsOf, decodeToml, durationMs, refusal } from "./decode.ts";
import { parseToml } from "./parse.ts";

const schema = z.strictObject({
  name: z.string(),
  level: z.enum(["debug", "info"]).default("info"),
  server: z.strictObject({
    address: z.string().default(":9443"),
    port: z.int().min(1).max(65_535).default(1),
    timeout: durationMs().prefault("60s"),
  }).prefault({}),
  components: z.array(z.strictObject({
    image: z.string(),
    ports: z.array(z.string()).default([]),
    limits: z.strictObject({ cpu: z.number() }).optional(),
  })).min(1).prefault([{ image: "a" }]),
  extra: z.strictObject({ key: z.string() }).nullable().readonly().optional(),
});

function mistakesIn(text: string): readonly string[] {
  try {
    decodeToml(schema, parseToml(text, "f.toml"), "the config");
  } catch (error) {
    ok(error instanceof McpError && error.kind === "invalid");
    return error.details;
  }
  return [];
}

Deno.test({
  name: "decodeToml() fills in what is not written, and reads durations",
  permissions: "none",
  fn: () => {
    const text = 'name = "rift"\nserver.timeout = "15m"\n';
    deepStrictEqual(decodeToml(schema, parseToml(text, "f.toml"), "the config"), {
      name: "rift",
      level: "info",
      server: { address: ":9443", port: 1, timeout: 900_000 },
      components: [{ image: "a", ports: [] }],
    });
  },
});

Deno.test({
  name: "decodeToml() tells all mistakes at once, in the order of their lines",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      mistakesIn(`nmae = "rift"
level = "inof"
[server]
port = 0
timeout = "soon"
adress = "x"
[[components]]
image = 5
ports = ["80:80", 81]
[components.limits]
cpu = true
[[components]]
imgae = "a"
`),
      [
        "f.toml:1: name: expected text in quotes, found nothing",
        'f.toml:1: nmae: expected a known key, found "nmae" (did you mean "name"?)',
        'f.toml:2: level: expected "debug" or "info", found "inof"',
        "f.toml:4: server.port: expected at least 1, found 0",
        'f.toml:5: server.timeout: expected a duration like "60s", "15m" or "30d", found "soon"',
        'f.toml:6: server.adress: expected a known key, found "adress" (did you mean "address"?)',
        "f.toml:8: components[0].image: expected text in quotes, found 5",
        "f.toml:9: components[0].ports[1]: expected text in quotes, found 81",
        "f.toml:11: components[0].limits.cpu: expected a number, found true",
        "f.toml:12: components[1].image: expected text in quotes, found nothing",
        'f.toml:13: components[1].imgae: expected a known key, found "imgae" (did you mean "image"?)',
      ],
    ),
});

for (
  const [given, text, mistake] of [
    [
      "a key that is like none",
      "[server]\ncolour = 1",
      'f.toml:3: server.colour: expected one of address, port, timeout, found "colour"',
    ],
    [
      "an unknown key in an element",
      '[[components]]\nimage = "a"\n[components.limits]\ncpu = 1\ncpus = 1',
      "f.toml:6: components[0].limits.cpus: expected a known key, " +
      'found "cpus" (did you mean "cpu"?)',
    ],
    [
      "an unknown key below layers of schema",
      '[extra]\nkey = ""\nkye = ""',
      'f.toml:4: extra.kye: expected a known key, found "kye" (did you mean "key"?)',
    ],
    [
      "too much",
      "[server]\nport = 65536",
      "f.toml:3: server.port: expected at most 65535, found 65536",
    ],
    [
      "too few",
      "components = []",
      "f.toml:2: components: expected at least 1 entry, found a list",
    ],
    [
      "half a number",
      "server.port = 1.5",
      "f.toml:2: server.port: expected a whole number, found 1.5",
    ],
    [
      "a duration that is a number",
      "server.timeout = 60",
      "f.toml:2: server.timeout: expected text in quotes, found 60",
    ],
    ["a value for a table", "server = 1", "f.toml:2: server: expected a table, found 1"],
    ["a table for a list", "[components]", "f.toml:2: components: expected a list, found a table"],
    [
      "a date",
      "level = 2030-01-01",
      'f.toml:2: level: expected "debug" or "info", found a date',
    ],
    [
      "a text too long to repeat",
      `server.timeout = "${"x".repeat(81)}"`,
      'f.toml:2: server.timeout: expected a duration like "60s", "15m" or "30d", ' +
      `found "${"x".repeat(80)}…"`,
    ],
  ] as const
) {
  Deno.test({
    name: `decodeToml() explains itself given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(mistakesIn(`name = ""\n${text}\n`), [mistake]),
  });
}

Deno.test({
  name: "refusal() counts the mistakes",
  permissions: "none",
  fn: () => {
    const toml = parseToml("a = 1\nb = 2\n", "f.toml");
    const complaint = { path: ["b"], expected: "x", found: "2" };
    const one = refusal(toml, "the config", [complaint]);
    strictEqual(one.message, "Cannot use the config f.toml: it has a mistake");
    const two = refusal(toml, "the config", [complaint, { ...complaint, path: ["a"] }]);
    strictEqual(two.message, "Cannot use the config f.toml: it has 2 mistakes");
    deepStrictEqual(two.details, [
      "f.toml:1: a: expected x, found 2",
      "f.toml:2: b: expected x, found 2",
    ]);
  },
});

Deno.test({
  name: "complaintsOf() has none about a value that fits",
  permissions: "none",
  fn: () => deepStrictEqual(complaintsOf(schema, { name: "rift" }), []),
});
