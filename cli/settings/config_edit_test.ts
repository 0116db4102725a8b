import { strictEqual } from "node:assert/strict";
import { addNode, removeNode } from "./config_edit.ts";

const rift = { name: "rift", address: "192.0.2.7:9444", caCert: "ca/rift.pem" };
const before = `# my machines
[services]
dir = "defs"   # short
`;
const first = `
# the desk
[[nodes]]
name = "vade" # like the book
address = '192.0.2.1:9444'
`;
const second = `
# the rack
[[nodes]]
address = "192.0.2.2:9444"
name = "orion"
# the end
`;

Deno.test({
  name: "addNode() appends and touches nothing before",
  permissions: "none",
  fn: () =>
    strictEqual(
      addNode(before + first, rift),
      `${before}${first}
[[nodes]]
name = "rift"
address = "192.0.2.7:9444"
ca_cert = "ca/rift.pem"
`,
    ),
});

for (
  const [given, text, name, expected] of [
    ["the first of two", before + first + second, "vade", `${before}\n# the desk\n${second}`],
    [
      "the last of two",
      before + first + second,
      "orion",
      `${before}${first}\n# the rack\n# the end\n`,
    ],
    ["the only one", before + first, "vade", `${before}\n# the desk\n`],
    [
      "one of a list in one line",
      'nodes = [{ name = "vade", address = "a:1" }, { name = "rift", address = "b:2" }] # all\n',
      "vade",
      'nodes = [{ name = "rift", address = "b:2" }] # all\n',
    ],
    ["one that was just added", addNode(before + first, rift), "rift", before + first],
  ] as const
) {
  Deno.test({
    name: `removeNode() given ${given} keeps the comments`,
    permissions: "none",
    fn: () => strictEqual(removeNode(text, name), expected),
  });
}

Deno.test({
  name: "addNode() after removeNode() of the only one writes a config that can be read",
  permissions: "none",
  fn: () =>
    strictEqual(
      addNode(removeNode('[[nodes]]\nname = "vade"\naddress = "a:1"\n', "vade"), {
        ...rift,
        caCert: undefined,
      }),
      '[[nodes]]\nname = "rift"\naddress = "192.0.2.7:9444"\n',
    ),
});
