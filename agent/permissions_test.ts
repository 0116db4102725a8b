import { deepStrictEqual, throws } from "node:assert/strict";
import { decodeConfig } from "./config.ts";
import { serverPermissions } from "./permissions.ts";

function flagsOf(
  {
    agent = "",
    auth = "",
    more = "",
    database = "/srv/mcp/mcp.db",
    cert = "/srv/mcp/certs",
    listen = "100.95.252.120:9444",
  } = {},
): string[] {
  const text = `
[server]
grpc_addr = "${listen}"
tls_cert = "${cert}/cert.pem"
tls_key = "${cert}/key.pem"

[database]
path = "${database}"

${auth}

[agent]
node_name = "rift"
${agent}

${more}
`;
  return serverPermissions(decodeConfig(text, "/srv/mcp/mcp-agent.toml"));
}

const always = ["--no-prompt", "--ignore-env", "--deny-import", "--allow-import=none.invalid"];
const hostFacts = ",/etc/subuid,/etc/subgid,/var/lib/systemd/linger";
const sys = "--allow-sys=statfs,cpus,systemMemoryInfo,osUptime";

const cases: readonly (readonly [string, () => string[], readonly string[]])[] = [
  [
    "a config that says no more than it must",
    () => flagsOf(),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "podman's API service",
    () => flagsOf({ agent: 'podman_url = "unix:///run/mcp-podman/podman.sock"' }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv,/run/mcp-podman/podman.sock${hostFacts}`,
      "--allow-write=/srv,/run/mcp-podman/podman.sock",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120,unix:/run/mcp-podman/podman.sock",
      sys,
    ],
  ],
  [
    "MCIAS",
    () =>
      flagsOf({
        auth: '[mcias]\nserver_url = "https://mcias.example:8443"\nca_cert = "/etc/mcias/ca.pem"\n',
      }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv,/etc/mcias/ca.pem${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,mcias.example:8443,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "MCIAS at the usual port, trusted by the well-known roots",
    () => flagsOf({ auth: '[mcias]\nserver_url = "https://mcias.example"\n' }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,mcias.example:443,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "an OIDC provider whose keys are elsewhere",
    () =>
      flagsOf({
        auth:
          '[oidc]\nissuer = "https://id.example/realms/home"\naudience = "mcp"\njwks_uri = "https://keys.example:8443/all"\nca_cert = "/etc/id/ca.pem"\n',
      }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv,/etc/id/ca.pem${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,id.example:443,keys.example:8443,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "an OIDC provider with its own keys",
    () => flagsOf({ auth: '[oidc]\nissuer = "https://id.example:8443/home"\naudience = "mcp"\n' }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,id.example:8443,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "a config for MCIAS that is not used",
    () =>
      flagsOf({
        auth: '[auth]\nprovider = "local"\n[mcias]\nserver_url = "https://mcias.example:8443"\n',
      }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "an alert command, whose arguments are not programs",
    () => flagsOf({ more: '[monitor]\nalert_command = ["/usr/local/bin/alert", "/bin/sh"]' }),
    [
      ...always,
      "--allow-run=podman,/usr/local/bin/alert",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "podman by its path",
    () => flagsOf({ agent: 'container_runtime = "/usr/bin/podman"' }),
    [
      ...always,
      "--allow-run=/usr/bin/podman",
      `--allow-read=/srv${hostFacts}`,
      "--allow-write=/srv",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "services elsewhere, and a registry and certificates in folders of their own",
    () =>
      flagsOf({
        agent: 'service_root = "/data/services"',
        database: "/var/lib/mcp/mcp.db",
        cert: "/etc/mcp",
      }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/data/services,/srv/mcp/mcp-agent.toml,/var/lib/mcp,/etc/mcp/cert.pem,/etc/mcp/key.pem${hostFacts}`,
      "--allow-write=/data/services,/var/lib/mcp",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
  [
    "a folder that only begins like another one",
    () => flagsOf({ agent: 'service_root = "/srv/mcp"', database: "/srv/mcp-data/mcp.db" }),
    [
      ...always,
      "--allow-run=podman",
      `--allow-read=/srv/mcp,/srv/mcp-data${hostFacts}`,
      "--allow-write=/srv/mcp,/srv/mcp-data",
      "--allow-net=100.95.252.120:9444,127.0.0.1,[::1],100.95.252.120",
      sys,
    ],
  ],
];
for (
  const [listen, net] of [
    ["0.0.0.0:9444", "0.0.0.0:9444,127.0.0.1,[::1]"],
    ["[::]:9444", "[::]:9444,127.0.0.1,[::1]"],
    ["[0:0::0]:9444", "[0:0::0]:9444,127.0.0.1,[::1]"],
    ["127.0.0.1:9444", "127.0.0.1:9444,127.0.0.1,[::1]"],
    ["[::1]:9444", "[::1]:9444,127.0.0.1,[::1]"],
    ["[fd7a:115c::1]:9444", "[fd7a:115c::1]:9444,127.0.0.1,[::1],[fd7a:115c::1]"],
  ] as const
) {
  Deno.test({
    name:
      `serverPermissions() allows asking components at all ports of this node, listening on ${listen}`,
    permissions: "none",
    fn: () => {
      const flag = flagsOf({ listen }).find((each) => each.startsWith("--allow-net="));
      deepStrictEqual(flag, `--allow-net=${net}`);
    },
  });
}

for (const [given, flags, expected] of cases) {
  Deno.test({
    name: `serverPermissions() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(flags(), expected),
  });
}

Deno.test({
  name: "serverPermissions() refuses a path with a comma, at which Deno would part it",
  permissions: "none",
  fn: () =>
    throws(() => flagsOf({ agent: 'service_root = "/data,/etc"' }), {
      kind: "invalid",
      message: 'Cannot grant "/data,/etc": it has a comma',
    }),
});

const refusals: readonly (readonly [string, () => string[], string])[] = [
  [
    "an alert command that is looked for in PATH",
    () => flagsOf({ more: '[monitor]\nalert_command = ["alert"]' }),
    'Cannot grant the alert command "alert": it is no absolute path',
  ],
  [
    "an alert command relative to nobody knows what",
    () => flagsOf({ more: '[monitor]\nalert_command = ["./alert"]' }),
    'Cannot grant the alert command "./alert": it is no absolute path',
  ],
  [
    "a name to listen on",
    () => flagsOf({ listen: "rift.example:9444" }),
    'Cannot grant listening on "rift.example:9444": it is no IP address',
  ],
];
for (const [given, flags, message] of refusals) {
  Deno.test({
    name: `serverPermissions() refuses ${given}`,
    permissions: "none",
    fn: () => throws(flags, { kind: "invalid", message }),
  });
}
