import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { type Definition, parseDefinition } from "./definition.ts";
import { setActive } from "./set_active.ts";
import { differencesBetween, writeDefinition } from "./write_definition.ts";

const api: ComponentSpec = {
  ...componentDefaults,
  name: "api",
  image: "registry.example/mcr:v1",
  network: "",
  user: "",
  restart: "unless-stopped",
  ports: [],
  volumes: [],
  cmd: [],
};
const definition = (...components: readonly ComponentSpec[]): Definition => ({
  nodeName: "rift",
  spec: { name: "mcr", active: true, components },
});

Deno.test({
  name: "writeDefinition() writes all that is not by default, and nothing a terminal would obey",
  permissions: "none",
  fn: () =>
    strictEqual(
      writeDefinition(definition({
        ...api,
        network: "edge",
        user: "0:0",
        restart: "on-failure:3",
        ports: ["80:8080", "443:8443"],
        volumes: ["/srv/mcr:/srv/mcr"],
        cmd: ["--say", 'a"b\\\n\u007f\u202e'],
      })),
      `name = "mcr"
node = "rift"
active = true

[[components]]
name = "api"
image = "registry.example/mcr:v1"
network = "edge"
user = "0:0"
restart = "on-failure:3"
ports = ["80:8080", "443:8443"]
volumes = ["/srv/mcr:/srv/mcr"]
cmd = ["--say", "a\\"b\\\\\\n\\u007f\\u202e"]
`,
    ),
});

Deno.test({
  name: "writeDefinition() gives long tables a line for each entry, behind the component's keys",
  permissions: "none",
  fn: () => {
    const env = { A: "1", "with.dot": 'a "b"', C: "", active: "true" };
    const written = definition(
      { ...api, env, labels: { l: "x".repeat(100) }, memory: "512m" },
      // Short, and written in the same way all the same.
      { ...api, name: "web", env: { A: "1" } },
    );
    const text = writeDefinition(written);
    strictEqual(
      text,
      `name = "mcr"
node = "rift"
active = true

[[components]]
name = "api"
image = "registry.example/mcr:v1"
memory = "512m"

[components.env]
A = "1"
"with.dot" = "a \\"b\\""
C = ""
active = "true"

[components.labels]
l = "${"x".repeat(100)}"

[[components]]
name = "web"
image = "registry.example/mcr:v1"

[components.env]
A = "1"
`,
    );
    const expectations = { service: "mcr", because: "", nodeNames: undefined };
    deepStrictEqual(parseDefinition(text, "mcr.toml", expectations), written);
    // `mcp stop` changes the service's own key, and nothing else.
    const stopped = setActive(text, false);
    strictEqual(stopped, text.replace("active = true\n\n", "active = false\n\n"));
    deepStrictEqual(parseDefinition(stopped, "mcr.toml", expectations), {
      ...written,
      spec: { ...written.spec, active: false },
    });
  },
});

Deno.test({
  name: "writeDefinition() writes short tables on one line",
  permissions: "none",
  fn: () => {
    const text = writeDefinition(definition({ ...api, env: { A: "1", B: "2", C: "3" } }));
    strictEqual(text.trimEnd().split("\n").at(-1), 'env = { A = "1", B = "2", C = "3" }');
  },
});

for (
  const [given, envFiles, line] of [
    ["one", ["a.env"], 'env_file = "a.env"'],
    ["several", ["a.env", "/etc/b.env"], 'env_file = ["a.env", "/etc/b.env"]'],
  ] as const
) {
  Deno.test({
    name: `writeDefinition() names files of variables given ${given}`,
    permissions: "none",
    fn: () => {
      const sources = {
        file: "mcr.toml",
        envFiles: envFiles.map((path) => ({ component: "api", path, line: 0 })),
        secrets: [],
      };
      const text = writeDefinition({ ...definition(api), sources });
      strictEqual(text.trimEnd().split("\n").at(-1), line);
    },
  });
}

const secrets = [
  { name: "key", target: "/run/secrets/key", mode: 0o400, uid: 0, gid: 0 },
  { name: "token", target: "/etc/token", mode: 0o440, uid: 33, gid: 34 },
];
const reminder = 'say where it comes from, with file = "…" or command = ["…"]';

for (
  const [given, sources, lines] of [
    ["nobody knows the place", undefined, [
      `# secret key: ${reminder}`,
      `# secret token: ${reminder}`,
      "secrets = [",
      '  { name = "key" },',
      '  { name = "token", target = "/etc/token", mode = "0440", uid = 33, gid = 34 },',
      "]",
    ]],
    ["the places are known", {
      file: "mcr.toml",
      envFiles: [],
      secrets: [
        { component: "api", name: "key", from: { file: "key" }, line: 1 },
        { component: "api", name: "token", from: { command: ["pass", "x"] }, line: 1 },
      ],
    }, [
      "secrets = [",
      '  { name = "key", file = "key" },',
      '  { name = "token", command = ["pass", "x"], target = "/etc/token", mode = "0440", uid = 33, gid = 34 },',
      "]",
    ]],
  ] as const
) {
  Deno.test({
    name: `writeDefinition() writes secrets so that they can be read again when ${given}`,
    permissions: "none",
    fn: () => {
      const written = { ...definition({ ...api, secrets }), ...(sources && { sources }) };
      const text = writeDefinition(written);
      deepStrictEqual(text.trimEnd().split("\n").slice(7), lines);
      const expectations = { service: "mcr", because: "", nodeNames: undefined };
      const { spec } = parseDefinition(text, "mcr.toml", expectations);
      deepStrictEqual(spec.components[0]?.secrets, secrets);
    },
  });
}

for (
  const [given, mine, theirs, differences] of [
    ["the same", definition(api), definition({ ...api }), []],
    ["another node", definition(api), { ...definition(api), nodeName: "vade" }, [
      { where: "node", mine: '"rift"', theirs: '"vade"' },
    ]],
    ["another image", definition(api), definition({ ...api, image: "x:v2" }), [
      { where: "components.api.image", mine: '"registry.example/mcr:v1"', theirs: '"x:v2"' },
    ]],
    ["one component less", definition(api, { ...api, name: "web" }), definition(api), [
      { where: "components.web", mine: '"registry.example/mcr:v1"', theirs: undefined },
    ]],
    [
      "another order",
      definition(api, { ...api, name: "web" }),
      definition({ ...api, name: "web" }, api),
      [{ where: "components", mine: '["api", "web"]', theirs: '["web", "api"]' }],
    ],
  ] as const
) {
  Deno.test({
    name: `differencesBetween() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(differencesBetween(mine, theirs), differences),
  });
}
