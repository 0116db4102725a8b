import { deepStrictEqual, throws } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { parseDefinition } from "./definition.ts";

const expectations = {
  service: "mcr",
  because: "as the file is called",
  nodeNames: ["rift", "vade"],
};
const head = 'name = "mcr"\nnode = "rift"\n';
const api = '[[components]]\nname = "api"\nimage = "registry.example/mcr:v1"\n';

Deno.test({
  name: "parseDefinition() fills in every default",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseDefinition(head + api, "mcr.toml", expectations), {
      nodeName: "rift",
      spec: {
        name: "mcr",
        active: true,
        components: [{
          name: "api",
          image: "registry.example/mcr:v1",
          network: "",
          user: "",
          restart: "unless-stopped",
          ports: [],
          volumes: [],
          cmd: [],
        }],
      },
    }),
});

const cases: readonly (readonly [given: string, text: string, details: readonly string[]])[] = [
  ["nothing", "", [
    "1: name: expected text in quotes, found nothing",
    "1: node: expected text in quotes, found nothing",
    "1: components: expected a list, found nothing",
  ]],
  ["no components", `${head}components = []\n`, [
    "3: components: expected at least one component, found none",
  ]],
  ["another name than the file's", head.replace("mcr", "mrc") + api, [
    '1: name: expected "mcr", as the file is called, found "mrc"',
  ]],
  ["an unknown node", head.replace("rift", "vdae") + api, [
    '2: node: expected a node of the config (rift, vade), found "vdae" (did you mean "vade"?)',
  ]],
  ["a mistyped key of the service", `${head}actve = false\n${api}`, [
    '3: actve: expected a known key, found "actve" (did you mean "active"?)',
  ]],
  ["a mistyped key of a component", `${head}${api}volume = []\n`, [
    '6: components[0].volume: expected a known key, found "volume" (did you mean "volumes"?)',
  ]],
  ["active that is no boolean", `${head}active = "true"\n${api}`, [
    '3: active: expected true or false, found "true"',
  ]],
  ["a component without an image", `${head}[[components]]\nname = "api"\n`, [
    "3: components[0].image: expected text in quotes, found nothing",
  ]],
  ["a component name that is none", head + api.replace("api", "Api"), [
    "4: components[0].name: expected a component name (1 to 63 of a-z, 0-9 and -, starting and " +
    'ending with a letter or a digit), found "Api"',
  ]],
  ["an image that is none", head + api.replace("registry.example", "-v"), [
    '5: components[0].image: expected an image reference like "registry.example/name:tag", ' +
    'found "-v/mcr:v1"',
  ]],
  ["two components of one name", head + api + api, [
    '7: components[1].name: expected a name of its own, found "api" again (see components[0])',
  ]],
  ["a port that is none, behind one of the wrong type", `${head}${api}ports = [8080, "8080"]\n`, [
    "6: components[0].ports[0]: expected text in quotes, found 8080",
    '6: components[0].ports[1]: expected "host:container" with an optional address before and ' +
    '"/tcp" or "/udp" after, found "8080"',
  ]],
  ["a volume that leaves", `${head}${api}volumes = ["/srv/../etc:/etc"]\n`, [
    '6: components[0].volumes[0]: expected "source:target" with absolute paths (the source may ' +
    'be a volume name) and options like ":ro", found "/srv/../etc:/etc"',
  ]],
  ["a restart policy that is none", `${head}${api}restart = "sometimes"\n`, [
    '6: components[0].restart: expected "no", "on-failure", "on-failure:N", "always" or ' +
    '"unless-stopped", found "sometimes"',
  ]],
  ["a user that is none", `${head}${api}user = "--root"\n`, [
    '6: components[0].user: expected "user" or "user:group", found "--root"',
  ]],
  ["a network that is none", `${head}${api}network = "-x"\n`, [
    '6: components[0].network: expected a network name, found "-x"',
  ]],
  ["a component that is no table", `${head}components = ["api"]\n`, [
    '3: components[0]: expected a table, found "api"',
  ]],
  ["components that are no list", `${head}components = "api"\n`, [
    '3: components: expected a list, found "api"',
  ]],
];

for (const [given, text, details] of cases) {
  Deno.test({
    name: `parseDefinition() given ${given} says so once`,
    permissions: "none",
    fn: () =>
      throws(() => parseDefinition(text, "mcr.toml", expectations), (error) => {
        deepStrictEqual(
          error instanceof McpError && [error.kind, ...error.details],
          ["invalid", ...details.map((detail) => `mcr.toml:${detail}`)],
        );
        return true;
      }),
  });
}

Deno.test({
  name: "parseDefinition() given no TOML names the line",
  permissions: "none",
  fn: () =>
    throws(() => parseDefinition('name = "mcr"\nnode = \n', "mcr.toml", expectations), (error) => {
      deepStrictEqual(
        error instanceof McpError && error.details[0]?.startsWith("mcr.toml:2: "),
        true,
      );
      return true;
    }),
});
