import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { appendTable, editToml, writeToml } from "./edit.ts";
import { parseToml } from "./parse.ts";

const definition = `# Metacrypt, the platform's CA.
name   =  'metacrypt' # in single quotes
active = true         # set by mcp stop and mcp start

# The API comes first.
[[components]]
cmd = [
  "server", # with its config
  '--config',
]
image = "registry.example/metacrypt:v1"
name = "api"

[[components]]
name = "web" # and no image yet
`;

function withActive(active: boolean) {
  return (value: Record<string, unknown>) => ({ ...value, active });
}

Deno.test({
  name: "editToml() changes one value; comments, order and quoting survive",
  permissions: "none",
  fn: () =>
    strictEqual(
      editToml(definition, withActive(false)),
      definition.replace("active = true ", "active = false "),
    ),
});

Deno.test({
  name: "editToml() keeps tabs and blanks where nothing is changed",
  permissions: "none",
  fn: () => {
    const text = "\tname = 'a'\t\t# tabs\nactive = true\n   \nx = 1   \n[t]\t\ny\t=\t2\n\n\n";
    strictEqual(editToml(text, withActive(false)), text.replace("true", "false"));
  },
});

Deno.test({
  name: "editToml() changes a tab in a text to a blank when that is what is asked for",
  permissions: "none",
  fn: () => {
    const edited = editToml("name = 'a\tb'\nx = 1\n", (value) => ({ ...value, name: "a b" }));
    strictEqual(edited, "name = 'a b'\nx = 1\n");
  },
});

Deno.test({
  name: "editToml() leaves a text alone that says it already",
  permissions: "none",
  fn: () => strictEqual(editToml(definition, withActive(true)), definition),
});

for (
  const [given, text, expected] of [
    ["tables behind it", "name = 'a'\n\n[[components]]\n", "name = 'a'\nactive = false\n"],
    ["a comment at the end", "name = 'a'\n# end\n", "name = 'a'\n# end\nactive = false\n"],
    ["nothing", "", "active = false"],
  ] as const
) {
  Deno.test({
    name: `editToml() adds a key at the top given ${given}`,
    permissions: "none",
    fn: () => {
      const edited = editToml(text, withActive(false));
      strictEqual(edited.slice(0, expected.length), expected);
      strictEqual((parseToml(edited, "x").value as Record<string, unknown>)["active"], false);
    },
  });
}

Deno.test({
  name: "editToml() takes one table out of a list and leaves the others as they are",
  permissions: "none",
  fn: () => {
    const text = "[[nodes]]\nname = 'a' # first\n\n[[nodes]]\nname = 'b'\n\n" +
      "[[nodes]]\nname = 'c'   # last\n";
    const edited = editToml(text, ({ nodes }) => ({
      nodes: (nodes as { name: string }[]).filter(({ name }) => name !== "b"),
    }));
    strictEqual(edited, text.replace("[[nodes]]\nname = 'b'\n\n", ""));
  },
});

Deno.test({
  name: "editToml() keeps the line ends of a file from Windows",
  permissions: "none",
  fn: () =>
    strictEqual(
      editToml("name = 'a'\r\nactive = true # c\r\n", withActive(false)),
      "name = 'a'\r\nactive = false # c\r\n",
    ),
});

Deno.test({
  name: "editToml() hands out a copy: what is changed in it and not returned is lost",
  permissions: "none",
  fn: () =>
    strictEqual(
      editToml(definition, (value) => {
        const copy = structuredClone(value);
        value["name"] = "other";
        return copy;
      }),
      definition,
    ),
});

const added = '[[nodes]]\nname = "rift"\naddress = "rift:9443"\n';
for (
  const [given, text, expected] of [
    ["an empty text", "", added],
    ["a line feed at the end", "a = 1 # c\n", `a = 1 # c\n\n${added}`],
    ["no line feed at the end", "a = 1 # c", `a = 1 # c\n\n${added}`],
    ["a comment at the end", "a = 1\n# end", `a = 1\n# end\n\n${added}`],
    ["an open table at the end", "[auth]\nx = 1\n", `[auth]\nx = 1\n\n${added}`],
    ["such tables already", "[[nodes]]\nname = 'a'\n", `[[nodes]]\nname = 'a'\n\n${added}`],
    ["line ends of Windows", "a = 1\r\n", `a = 1\r\n\r\n${added.replaceAll("\n", "\r\n")}`],
    [
      "an empty list in one line",
      "# none yet\nnodes = [] # c\nb = 1\n",
      '# none yet\nnodes = [{name = "rift", address = "rift:9443"}] # c\nb = 1\n',
    ],
    [
      "a list in one line",
      "nodes = [{name = 'a'}]\n",
      'nodes = [{name = \'a\'}, {name = "rift", address = "rift:9443"}]\n',
    ],
  ] as const
) {
  Deno.test({
    name: `appendTable() given ${given}`,
    permissions: "none",
    fn: () => {
      const table = { name: "rift", address: "rift:9443" };
      const appended = appendTable(text, "nodes", table);
      strictEqual(appended, expected);
      const { nodes } = parseToml(appended, "x").value as { nodes: { name: string }[] };
      strictEqual(nodes.at(-1)?.name, "rift");
    },
  });
}

Deno.test({
  name: "appendTable() refuses to add to what is no list",
  permissions: "none",
  fn: () => {
    for (const text of ["[nodes]\nx = 1\n", "nodes = 1\n"]) {
      throws(() => appendTable(text, "nodes", {}), { name: "McpError", kind: "invalid" });
    }
  },
});

Deno.test({
  name: "writeToml() writes what parseToml() reads",
  permissions: "none",
  fn: () => {
    const value = {
      name: 'quotes " and\nlines \u0001',
      active: false,
      components: [{ name: "api", ports: ["80:80"], cmd: [] }, { name: "web" }],
    };
    const read = parseToml(writeToml(value), "x").value;
    deepStrictEqual(JSON.parse(JSON.stringify(read)), value);
  },
});
