import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ComponentSpec } from "../../lib/domain/component_spec.ts";
import type { Definition } from "./definition.ts";
import { differencesBetween, writeDefinition } from "./write_definition.ts";

const api: ComponentSpec = {
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
