import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../lib/errors.ts";
import type { Files } from "../lib/system/files.ts";
import { type AgentConfig, decodeConfig, loadConfig } from "./config.ts";

const least = `[server]
grpc_addr = "100.95.252.120:9444"
tls_cert = "certs/cert.pem"
tls_key = "/etc/mcp/key.pem"

[database]
path = "mcp.db"

[agent]
node_name = "rift"
`;

function decode(text: string): AgentConfig {
  return decodeConfig(text, "/srv/mcp/mcp-agent.toml");
}

/** The mistakes of a config that must be refused, without the file's name. */
function mistakesOf(text: string): string[] {
  let mistakes: string[] = [];
  throws(() => decode(text), (error) => {
    ok(error instanceof McpError, String(error));
    strictEqual(error.kind, "invalid");
    match(error.message, /^Cannot (use the config|read) \/srv\/mcp\/mcp-agent.toml: it/);
    mistakes = error.details.map((detail) => detail.replace("/srv/mcp/mcp-agent.toml:", ""));
    return true;
  });
  return mistakes;
}

Deno.test({
  name: "decodeConfig() gives everything that is not said its default",
  permissions: "none",
  fn: () =>
    deepStrictEqual(decode(least), {
      file: "/srv/mcp/mcp-agent.toml",
      server: {
        address: "100.95.252.120:9444",
        certificateFile: "/srv/mcp/certs/cert.pem",
        keyFile: "/etc/mcp/key.pem",
      },
      databaseFile: "/srv/mcp/mcp.db",
      auth: { provider: "local" },
      nodeName: "rift",
      podman: "podman",
      podmanUrl: undefined,
      serviceRoot: "/srv",
      allow: [],
      keepRevisions: 3,
      rollout: {
        settleMs: 3_000,
        pullTimeoutMs: 600_000,
        jobTimeoutMs: 3_600_000,
        stopTimeoutMs: 10_000,
        drainTimeoutMs: 60_000,
      },
      monitor: {
        intervalMs: 60_000,
        alertCommand: [],
        cooldownMs: 900_000,
        flapThreshold: 3,
        flapWindowMs: 600_000,
        retentionMs: 2_592_000_000,
        alertRecovered: false,
      },
      logLevel: "info",
    }),
});

Deno.test({
  name: "decodeConfig() takes every key there is",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      decode(`
[server]
grpc_addr = "[::1]:1"
tls_cert = "../c.pem"
tls_key = "k.pem"
[database]
path = "/var/lib/mcp/registry.db"
[auth]
provider = "mcias"
[mcias]
server_url = "https://mcias.example:8443"
ca_cert = "mcias.pem"
service_name = "rift-agent"
[agent]
node_name = "n-1"
container_runtime = "/usr/bin/podman"
podman_url = "unix:///run/mcp-podman/podman.sock"
service_root = "/data/"
allow = ["host_network", "devices"]
keep_revisions = 5
[rollout]
settle = "0s"
pull_timeout = "1m"
job_timeout = "30m"
stop_timeout = "2s"
drain_timeout = "3s"
[monitor]
interval = "500ms"
alert_command = ["/bin/alert", "-x"]
cooldown = "1h"
flap_threshold = 1
flap_window = "2h"
retention = "1d"
alert_recovered = true
[log]
level = "debug"
`),
      {
        file: "/srv/mcp/mcp-agent.toml",
        server: { address: "[::1]:1", certificateFile: "/srv/c.pem", keyFile: "/srv/mcp/k.pem" },
        databaseFile: "/var/lib/mcp/registry.db",
        auth: {
          provider: "mcias",
          serverUrl: "https://mcias.example:8443",
          caFile: "/srv/mcp/mcias.pem",
          serviceName: "rift-agent",
        },
        nodeName: "n-1",
        podman: "/usr/bin/podman",
        podmanUrl: "unix:///run/mcp-podman/podman.sock",
        serviceRoot: "/data",
        allow: ["host_network", "devices"],
        keepRevisions: 5,
        rollout: {
          settleMs: 0,
          pullTimeoutMs: 60_000,
          jobTimeoutMs: 1_800_000,
          stopTimeoutMs: 2_000,
          drainTimeoutMs: 3_000,
        },
        monitor: {
          intervalMs: 500,
          alertCommand: ["/bin/alert", "-x"],
          cooldownMs: 3_600_000,
          flapThreshold: 1,
          flapWindowMs: 7_200_000,
          retentionMs: 86_400_000,
          alertRecovered: true,
        },
        logLevel: "debug",
      },
    ),
});

const oidc = '\n[oidc]\nissuer = "https://id.example"\naudience = "mcp"\n';
const mcias = '\n[mcias]\nserver_url = "https://mcias.example"\n';
for (
  const [given, more, auth] of [
    ["neither", "", { provider: "local" }],
    ["a table [mcias] alone", mcias, {
      provider: "mcias",
      serverUrl: "https://mcias.example",
      caFile: undefined,
      serviceName: "mcp-agent",
    }],
    ["the local provider and a table [mcias]", `${mcias}\n[auth]\nprovider = "local"\n`, {
      provider: "local",
    }],
    ["a table [oidc] alone", oidc, {
      provider: "oidc",
      issuer: "https://id.example",
      audience: "mcp",
      jwksUri: undefined,
      caFile: undefined,
      subjectClaim: "sub",
      roleClaim: "roles",
      adminRole: "admin",
    }],
    [
      "a table [oidc] with every key, beside one that is not used",
      `${mcias}${oidc}jwks_uri = "https://keys.example/all"
ca_cert = "id.pem"
subject_claim = "email"
role_claim = "realm_access.roles"
admin_role = "mcp-admin"
[auth]
provider = "oidc"
`,
      {
        provider: "oidc",
        issuer: "https://id.example",
        audience: "mcp",
        jwksUri: "https://keys.example/all",
        caFile: "/srv/mcp/id.pem",
        subjectClaim: "email",
        roleClaim: "realm_access.roles",
        adminRole: "mcp-admin",
      },
    ],
    ["an empty table [auth]", "\n[auth]\n", { provider: "local" }],
  ] as const
) {
  Deno.test({
    name: `decodeConfig() chooses the provider given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(decode(least + more).auth, auth),
  });
}

Deno.test({
  name: "decodeConfig() tells every mistake at once, each with its line and key path",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      mistakesOf(`[server]
grpc_addr = "9444"
tls_cert = 5
[database]
[auth]
provider = "ldap"
[mcias]
server_url = "http://mcias.example"
[agent]
node_name = "Rift"
podman_url = "tcp://localhost:1"
service_root = "srv"
[rollout]
settle = "3"
pull_timeout = "0s"
[monitor]
interval = "0ms"
flap_threshold = 0
alert_command = "/bin/alert"
[log]
level = "verbose"
`),
      [
        "1: server.tls_key: expected text in quotes, found nothing",
        '2: server.grpc_addr: expected "host:port", found "9444"',
        "3: server.tls_cert: expected text in quotes, found 5",
        "4: database.path: expected text in quotes, found nothing",
        '6: auth.provider: expected "local" or "mcias" or "oidc", found "ldap"',
        '8: mcias.server_url: expected an "https://" URL, found "http://mcias.example"',
        '10: agent.node_name: expected a node name (1 to 63 of a-z, 0-9 and -, starting and ending with a letter or a digit), found "Rift"',
        '11: agent.podman_url: expected "unix:///path/to/podman.sock" or "", found "tcp://localhost:1"',
        '12: agent.service_root: expected an absolute path, found "srv"',
        '14: rollout.settle: expected a duration like "60s", "15m" or "30d", found "3"',
        '15: rollout.pull_timeout: expected a duration above zero, found "0s"',
        '17: monitor.interval: expected a duration above zero, found "0ms"',
        "18: monitor.flap_threshold: expected at least 1, found 0",
        '19: monitor.alert_command: expected a list, found "/bin/alert"',
        '21: log.level: expected "debug" or "info" or "warning" or "error", found "verbose"',
      ],
    ),
});

for (
  const [given, text, mistake] of [
    [
      "a mistyped key",
      least.replace("tls_cert", "tls_crt"),
      '3: server.tls_crt: expected a known key, found "tls_crt" (did you mean "tls_cert"?)',
    ],
    [
      "a key far from all known ones",
      `${least}colour = "blue"\n`,
      '11: agent.colour: expected one of node_name, container_runtime, podman_url, service_root, allow, keep_revisions, found "colour"',
    ],
    [
      "a mistyped table",
      `${least}[moniter]\ninterval = "1m"\n`,
      '11: moniter: expected a known key, found "moniter" (did you mean "monitor"?)',
    ],
    [
      "the provider MCIAS without its table",
      `${least}[auth]\nprovider = "mcias"\n`,
      '1: mcias: expected a table, because auth.provider is "mcias", found nothing',
    ],
    [
      "the provider OIDC without its table",
      `${least}[auth]\nprovider = "oidc"\n`,
      '1: oidc: expected a table, because auth.provider is "oidc", found nothing',
    ],
    [
      "two tables and nothing that says which",
      least + mcias + oidc,
      '1: auth.provider: expected a provider, because there are tables for "mcias" and "oidc", found nothing',
    ],
    [
      "events that are forgotten before an alert may be told again",
      `${least}[monitor]\nflap_window = "1m"\nretention = "10m"\n`,
      '13: monitor.retention: expected at least monitor.cooldown (15m), found "10m"',
    ],
    [
      "events that are forgotten within the time in which flapping is counted",
      `${least}[monitor]\nretention = "1h"\nflap_window = "2h"\n`,
      '12: monitor.retention: expected at least monitor.flap_window (2h), found "1h"',
    ],
    [
      "an issuer that is not HTTPS",
      `${least}[oidc]\nissuer = "http://id.example"\naudience = "mcp"\n`,
      '12: oidc.issuer: expected an issuer like "https://id.example/realms/home", found "http://id.example"',
    ],
    [
      "an empty audience, which would be anybody's",
      `${least}[oidc]\nissuer = "https://id.example"\naudience = ""\n`,
      '13: oidc.audience: expected text that is not empty, found ""',
    ],
  ] as const
) {
  Deno.test({
    name: `decodeConfig() refuses ${given}`,
    permissions: "none",
    fn: () => {
      const mistakes = mistakesOf(text);
      ok(mistakes.includes(mistake), mistakes.join("\n"));
    },
  });
}

for (
  const [key, right, wrong] of [
    ["grpc_addr", ["0.0.0.0:0", "rift.example:9444", "[::]:9444"], ["", ":9444", "a:b", "x:70000"]],
    ["node_name", ["a", "rift-2"], ["", "-a", "a-", "a.b", "--help"]],
  ] as const
) {
  Deno.test({
    name: `decodeConfig() takes only what ${key} can be`,
    permissions: "none",
    fn: () => {
      const withValue = (value: string) =>
        least.replace(new RegExp(`${key} = ".*"`), `${key} = ${JSON.stringify(value)}`);
      for (const value of right) decode(withValue(value));
      for (const value of wrong) {
        match(
          mistakesOf(withValue(value)).join("\n"),
          new RegExp(`^\\d+: \\w+\\.${key}: expected`),
        );
      }
    },
  });
}

Deno.test({
  name: "decodeConfig() refuses what is no TOML, with its line",
  permissions: "none",
  fn: () => match(mistakesOf('[server]\ngrpc_addr = "unended\n').join("\n"), /^2: /),
});

function filesWith(texts: Readonly<Record<string, string>>): Files {
  const never = () => Promise.reject(new Error("not asked for"));
  return {
    readText: (path) => Promise.resolve(texts[path]),
    writeText: never,
    mode: never,
    list: never,
    remove: never,
  };
}

Deno.test({
  name: "loadConfig() reads the file by its absolute path",
  permissions: "none",
  fn: async () => {
    const files = filesWith({ "/srv/mcp/mcp-agent.toml": least });
    strictEqual((await loadConfig(files, "/srv/mcp/../mcp/mcp-agent.toml")).nodeName, "rift");
  },
});

Deno.test({
  name: "loadConfig() says what to do when there is no such file",
  permissions: "none",
  fn: () =>
    rejects(loadConfig(filesWith({}), "/srv/mcp/mcp-agent.toml"), {
      kind: "not_found",
      message: "Cannot read the config /srv/mcp/mcp-agent.toml: there is no such file",
      hint: "Run `mcp-agent init`, or name the file with --config",
    }),
});
