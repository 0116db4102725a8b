import { deepStrictEqual, throws } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { parseDefinition } from "./definition.ts";
import { componentDefaults } from "../../lib/domain/component_spec.ts";

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
          ...componentDefaults,
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
  [
    "options that make no sense, all at once",
    head + api + [
      'kind = "daemon"',
      'env = { "A B" = "1", FINE = "2" }',
      'memory = "a lot"',
      'cap_add = ["CAP_NET_RAW"]',
      'stop_timeout = "2 weeks"',
      'depends_on = ["db"]',
      'healthcheck = { http = "healthz", port = 8080, every = "1s" }',
      "",
    ].join("\n"),
    [
      '6: components[0].kind: expected "service" or "job", found "daemon"',
      '7: components[0].env.A B: expected a variable\'s name, found "A B"',
      '8: components[0].memory: expected an amount of memory from "4m" on, like "512m" or "2g", ' +
      'found "a lot"',
      '9: components[0].cap_add[0]: expected a capability like "NET_BIND_SERVICE", ' +
      'found "CAP_NET_RAW"',
      '10: components[0].stop_timeout: expected a duration like "60s", "15m" or "30d", ' +
      'found "2 weeks"',
      '11: components[0].depends_on[0]: expected a component of this service, found "db"',
      "12: components[0].healthcheck.every: expected one of http, https, tcp, exec, port, " +
      'interval, timeout, retries, start_period, found "every"',
    ],
  ],
  [
    "a health check that asks at a port nobody published",
    head + api + [
      'ports = ["127.0.0.1:80:8080"]',
      'healthcheck = { http = "healthz", port = 80 }',
      "",
    ].join("\n"),
    [
      "7: components[0].healthcheck.port: expected a port of the container that `ports` publishes " +
      "(8080), found 80",
      '7: components[0].healthcheck.http: expected a path like "/healthz", found "healthz"',
    ],
  ],
  [
    "components that wait for each other",
    head + api + 'depends_on = ["web"]\n' +
    api.replace('"api"', '"web"') + 'depends_on = ["api"]\n',
    [
      '6: components[0].depends_on[0]: expected a component that does not wait for "api" itself, ' +
      'found "web"',
      '10: components[1].depends_on[0]: expected a component that does not wait for "web" itself, ' +
      'found "api"',
    ],
  ],
  [
    "secrets that make no sense, all at once",
    head + api + [
      "secrets = [",
      '  { name = "Key", file = "key" },',
      '  { name = "tls", file = "a", command = ["b"] },',
      '  { name = "token", command = [""] },',
      '  { name = "salt", file = "salt", target = "salt" },',
      "]",
      "",
    ].join("\n") + api.replace('"api"', '"web"') + [
      "secrets = [",
      '  { name = "salt", file = "pepper" },',
      "]",
      "",
    ].join("\n"),
    [
      "7: components[0].secrets[0].name: expected a secret's name (1 to 63 of a-z, 0-9 and -, " +
      'starting and ending with a letter or a digit), found "Key"',
      "8: components[0].secrets[1].command: expected a file or a command, found both",
      "9: components[0].secrets[2].command[0]: expected a program, found nothing",
      '10: components[0].secrets[3].target: expected an absolute path in the container, found "salt"',
      "16: components[1].secrets[0]: expected a secret to come from one place (see " +
      "components[0].secrets[3]), found another one",
    ],
  ],
  [
    "a secret of the wrong shape",
    `${head}${api}secrets = [{ name = "key", mode = 400, from = "key" }, { name = "x", mode = "888" }]\n`,
    [
      "6: components[0].secrets[0].mode: expected text in quotes, found 400",
      "6: components[0].secrets[0].from: expected one of name, file, command, target, mode, uid, " +
      'gid, found "from"',
      '6: components[0].secrets[1].mode: expected permission bits like "0400", found "888"',
    ],
  ],
  ["an env_file that is none", `${head}${api}env_file = 1\n`, [
    "6: components[0].env_file: expected the name of a file, or a list of them, found 1",
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
  name: "parseDefinition() keeps apart what a secret is to the container and where it comes from",
  permissions: "none",
  fn: () => {
    const text = head + api + [
      'env_file = ["hello.env", "more.env"]',
      "secrets = [",
      '  { name = "key", file = "secrets/key", mode = "440", uid = 33, gid = 34 },',
      '  { name = "token", command = ["pass", "show", "x"], target = "/etc/token" },',
      '  { name = "old" },',
      "]",
      "",
    ].join("\n") + api.replace('"api"', '"web"') +
      'env_file = "web.env"\nsecrets = [{ name = "key" }]\n';
    const { spec, sources } = parseDefinition(text, "/home/ada/mcr.toml", expectations);
    deepStrictEqual(spec.components.map(({ secrets }) => secrets), [
      [
        { name: "key", target: "/run/secrets/key", mode: 0o440, uid: 33, gid: 34 },
        { name: "token", target: "/etc/token", mode: 0o400, uid: 0, gid: 0 },
        { name: "old", target: "/run/secrets/old", mode: 0o400, uid: 0, gid: 0 },
      ],
      [{ name: "key", target: "/run/secrets/key", mode: 0o400, uid: 0, gid: 0 }],
    ]);
    deepStrictEqual(sources, {
      file: "/home/ada/mcr.toml",
      envFiles: [
        { component: "api", path: "hello.env", line: 6 },
        { component: "api", path: "more.env", line: 6 },
        { component: "web", path: "web.env", line: 15 },
      ],
      secrets: [
        { component: "api", name: "key", from: { file: "secrets/key" }, line: 8 },
        { component: "api", name: "token", from: { command: ["pass", "show", "x"] }, line: 9 },
        { component: "api", name: "old", from: undefined, line: 10 },
        { component: "web", name: "key", from: undefined, line: 16 },
      ],
    });
  },
});

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
