import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { KeyPath } from "../domain/complaint.ts";
import { parseToml } from "./parse.ts";

const text = `# The lines of this text are told by their comments.
name = "mcr" # 2

[server] # 4
address = "rift:9443" # 5
[server.tls] # 6
"quoted key" = 1 # 7
dotted.key.path = 2 # 8
inline = { one = 1, two = { three = [1, # 9
  2, { four = 4 }] } } # 10

[[components]] # 12
name = "api" # 13
ports = [ # 14
  "80:80", # 15
  "81:81", # 16
]
[components.limits] # 18
cpu = 1 # 19
[[components.mounts]] # 20
source = "a" # 21
[[components.mounts]] # 22
source = "b" # 23

[[components]] # 25
text = """
several lines""" # 27
name = "web" # 28
[[components.mounts]] # 29
source = "c" # 30
`;

for (
  const [path, line] of [
    [["name"], 2],
    [["server"], 4],
    [["server", "address"], 5],
    [["server", "tls"], 6],
    [["server", "tls", "quoted key"], 7],
    [["server", "tls", "dotted", "key", "path"], 8],
    [["server", "tls", "inline"], 9],
    [["server", "tls", "inline", "one"], 9],
    [["server", "tls", "inline", "two", "three", 1], 10],
    [["server", "tls", "inline", "two", "three", 2, "four"], 10],
    [["components"], 12],
    [["components", 0], 12],
    [["components", 0, "name"], 13],
    [["components", 0, "ports"], 14],
    [["components", 0, "ports", 0], 15],
    [["components", 0, "ports", 1], 16],
    [["components", 0, "limits"], 18],
    [["components", 0, "limits", "cpu"], 19],
    [["components", 0, "mounts", 0], 20],
    [["components", 0, "mounts", 1, "source"], 23],
    [["components", 1], 25],
    [["components", 1, "name"], 28],
    [["components", 1, "mounts", 0, "source"], 30],
  ] satisfies (readonly [KeyPath, number])[]
) {
  Deno.test({
    name: `parseToml() knows the line of ${path.join(".")}`,
    permissions: "none",
    fn: () => strictEqual(parseToml(text, "mcr.toml").lineOf(path), line),
  });
}

for (
  const [given, path, line] of [
    ["a key that is missing in a table", ["server", "nothing"], 4],
    ["a key that is missing in an element", ["components", 1, "image"], 25],
    ["an element that is not there", ["components", 0, "ports", 9], 14],
    ["a key that is missing at the top", ["nothing"], 1],
    ["the document", [], 1],
  ] satisfies (readonly [string, KeyPath, number])[]
) {
  Deno.test({
    name: `parseToml() knows the nearest line given ${given}`,
    permissions: "none",
    fn: () => strictEqual(parseToml(text, "mcr.toml").lineOf(path), line),
  });
}

Deno.test({
  name: "parseToml() returns plain values",
  permissions: "none",
  fn: () => {
    const { file, value } = parseToml('a = 1\nb.c = [true, "x"]\n[[d]]\ne = 1.5\n', "mcr.toml");
    strictEqual(file, "mcr.toml");
    deepStrictEqual(JSON.parse(JSON.stringify(value)), {
      a: 1,
      b: { c: [true, "x"] },
      d: [{ e: 1.5 }],
    });
  },
});

Deno.test({
  name: "parseToml() counts lines that end as on Windows",
  permissions: "none",
  fn: () => strictEqual(parseToml("a = 1\r\n\r\nb = 2\r\n", "x.toml").lineOf(["b"]), 3),
});

Deno.test({
  name: "parseToml() takes an empty file for an empty table",
  permissions: "none",
  fn: () => deepStrictEqual({ ...parseToml("", "x.toml").value as object }, {}),
});

for (
  const [given, broken, detail] of [
    ["no value", "a = 1\nb = ", "x.toml:2: Expected value, reached EOF"],
    ["no equals sign", "a = 1\n\nword\n", 'x.toml:3: Expected "=" for key-value'],
    [
      "an open table header",
      "[server\n",
      'x.toml:1: Expected table closing "]", found end of file',
    ],
    ["open quotes", 'a = "b', 'x.toml:1: Expected close of string with "'],
    ["a list without comma", "a = [1,\n2\n3]\n", "x.toml:3: Missing comma between array elements"],
    ["a key that is there twice", "a = 1\nb = 2\na = 3\n", "x.toml:3: Value already defined for a"],
    ["a table that is there twice", "[a]\n[b]\n[a]\n", "x.toml:3: Table already defined: a"],
    ["a list that is a value already", "a = 1\n[[a]]\n", "x.toml:2: Value already defined for a"],
  ] as const
) {
  Deno.test({
    name: `parseToml() refuses a text with file and line given ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => parseToml(broken, "x.toml"), {
        name: "McpError",
        kind: "invalid",
        message: "Cannot read x.toml: it is not TOML",
        details: [detail],
      }),
  });
}
