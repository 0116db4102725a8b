import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import { parseYaml, type Value } from "./yaml.ts";

/** The YAML library asks for two variables that make it print what it does. */
const permissions: Deno.PermissionOptions = { env: ["LOG_TOKENS", "LOG_STREAM"] };

function plain(value: Value): unknown {
  if (value.kind === "scalar") return value.value;
  if (value.kind === "list") return value.items.map(plain);
  return Object.fromEntries([...value.entries].map(([key, entry]) => [key, plain(entry.value)]));
}

function refusal(text: string): McpError {
  let refused: unknown;
  throws(() => parseYaml(text, "f.yaml"), (error) => {
    refused = error;
    return error instanceof McpError && error.kind === "invalid";
  });
  return refused as McpError;
}

const cases: readonly [given: string, text: string, value: unknown][] = [
  ["nothing", "", null],
  ["only comments", "# none\n", null],
  ["YAML 1.2's booleans", "[yes, no, on, true, False, 'true']", [
    "yes",
    "no",
    "on",
    true,
    false,
    "true",
  ]],
  ["numbers", "[1, 0o17, 0x1f, 1.50, 22:22, 0777]", [1, 15, 31, 1.5, "22:22", 777]],
  [
    "numbers that JavaScript would round",
    "[12345678901234567890, .inf, 9007199254740991]",
    ["12345678901234567890", ".inf", 9007199254740991],
  ],
  ["block texts", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", { a: "x\ny\n", b: "x y" }],
  ["anchors and aliases", "a: &x {k: 1}\nb: *x\n", { a: { k: 1 }, b: { k: 1 } }],
  ["an anchor that is set anew", "[&x 1, *x, &x 2, *x]", [1, 1, 2, 2]],
  ["a merged table", "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n", {
    a: { k: 1, l: 2 },
    b: { l: 3, k: 1 },
  }],
  ["several merged tables: the first wins", "b: {<<: [{k: 1}, {k: 2, l: 2}]}\n", {
    b: { k: 1, l: 2 },
  }],
  ["a merge of a merge", "a: &a {k: 1}\nb: &b {<<: *a, l: 2}\nc: {<<: *b}", {
    a: { k: 1 },
    b: { l: 2, k: 1 },
    c: { l: 2, k: 1 },
  }],
  ["a quoted merge key, which is a name", 'a: {"<<": 1}', { a: { "<<": 1 } }],
  ["keys that are numbers", "1: a\n0x2: b\n", { "1": "a", "0x2": "b" }],
  [
    "a name that objects inherit",
    "{__proto__: 1, constructor: 2}",
    JSON.parse(
      '{"__proto__": 1, "constructor": 2}',
    ),
  ],
];

for (const [given, text, value] of cases) {
  Deno.test({
    name: `parseYaml() given ${given}`,
    permissions,
    fn: () => deepStrictEqual(plain(parseYaml(text, "f.yaml")), value),
  });
}

Deno.test({
  name: "parseYaml() knows the lines of keys, values and what was merged",
  permissions,
  fn() {
    const root = parseYaml("# one\na: &x\n  k: 1\nb:\n  <<: *x\n  l:\n    - 2\n", "f.yaml");
    ok(root.kind === "map");
    const b = root.entries.get("b")?.value;
    ok(b?.kind === "map");
    deepStrictEqual(
      [root.entries.get("b")?.at, b.entries.get("k")?.at.line, b.entries.get("l")?.at.line],
      [{ file: "f.yaml", line: 4 }, 3, 6],
    );
    const list = b.entries.get("l")?.value;
    strictEqual(list?.kind === "list" ? list.items[0]?.at.line : 0, 7);
  },
});

const refused: readonly [given: string, text: string, line: number, reason: RegExp][] = [
  ["what is no YAML", "a: 1\nb: [\n", 3, /./],
  ["a second document", "a: 1\n---\nb: 2\n", 2, /second document/],
  ["a key that is written twice", "a: 1\nb: 2\na: 3\n", 3, /"a" stands here again, after line 1/],
  ["an alias of nothing", "a: 1\nb: *x\n", 2, /no anchor &x/],
  ["an alias within its own anchor", "a: &x\n  b: *x\n", 2, /no anchor &x/],
  ["a merge of what is no table", "a:\n  <<: 1\n", 2, /must be followed by tables/],
  ["a tag of others", "a: !reset null\n", 1, /!reset/],
  ["a key that is a list", "? [a]\n: 1\n", 1, /a key must be a text/],
  ["levels without end", `${"[".repeat(10_000)}`, 1, /nested deeper than 60 levels/],
  ["levels beyond the limit", `${"[".repeat(70)}${"]".repeat(70)}`, 1, /nested deeper than 60/],
];

for (const [given, text, line, reason] of refused) {
  Deno.test({
    name: `parseYaml() refuses ${given}`,
    permissions,
    fn() {
      const [first = ""] = refusal(text).details;
      match(first, new RegExp(`^f\\.yaml:${line}: `));
      match(first, reason);
    },
  });
}

const bombs: readonly [given: string, text: string][] = [
  [
    "aliases of aliases of aliases",
    Array.from(
      { length: 60 },
      (_, at) => `a${at}: &a${at} [${Array(9).fill(at === 0 ? "lol" : `*a${at - 1}`).join(",")}]`,
    ).join("\n"),
  ],
  [
    "tables that merge each other",
    Array.from(
      { length: 1_000 },
      (_, at) => `a${at}: &a${at} {${at === 0 ? "" : `<<: *a${at - 1}, `}k${at}: 1}`,
    ).join("\n"),
  ],
  ["a long text a thousand times", `a: &a ${"x".repeat(100_000)}\nb: [${"*a,".repeat(1_000)}]`],
  ["more values than anybody writes", `[${"a,".repeat(60_000)}]`],
];

for (const [given, text] of bombs) {
  Deno.test({
    name: `parseYaml() refuses ${given}`,
    permissions,
    fn: () => match(refusal(text).details[0] ?? "", /more than 50000 values or/),
  });
}

Deno.test({
  name: "parseYaml() refuses a text that is longer than a person writes",
  permissions,
  fn: () => match(refusal(`a: ${"x".repeat(300_000)}`).message, /more than 262144 characters/),
});
