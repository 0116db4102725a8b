import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { McpError } from "../../lib/errors.ts";
import { locateConfig, parseConfig } from "./config.ts";

const file = "/home/kyle/.config/mcp/mcp.toml";

Deno.test({
  name: "parseConfig() given an empty file puts everything beside it",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseConfig("", file, "/home/kyle"), {
      file,
      servicesDir: "/home/kyle/.config/mcp/services",
      identity: { provider: "local" },
      tokenPath: "/home/kyle/.config/mcp/token",
      account: undefined,
      nodes: [],
    }),
});

Deno.test({
  name: "parseConfig() resolves paths against the config and the home folder",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      parseConfig(
        `[services]
dir = "~/services"
[mcias]
server_url = "https://mcias.example:8443"
ca_cert = ""
[auth]
token_path = "/run/mcp/token"
username = "mcp-operator"
password_file = "secret/password"
[tls]
ca_cert = "ca/all.pem"
[[nodes]]
name = "rift"
address = "192.0.2.7:9444"
[[nodes]]
name = "vade"
address = "[2001:db8::1]:9444"
ca_cert = "ca/vade.pem"
`,
        file,
        "/home/kyle",
      ),
      {
        file,
        servicesDir: "/home/kyle/services",
        identity: {
          provider: "mcias",
          serverUrl: "https://mcias.example:8443",
          caCert: undefined,
          serviceName: "mcp",
        },
        tokenPath: "/run/mcp/token",
        account: {
          username: "mcp-operator",
          passwordFile: "/home/kyle/.config/mcp/secret/password",
        },
        nodes: [
          {
            name: "rift",
            address: "192.0.2.7:9444",
            caCert: "/home/kyle/.config/mcp/ca/all.pem",
          },
          {
            name: "vade",
            address: "[2001:db8::1]:9444",
            caCert: "/home/kyle/.config/mcp/ca/vade.pem",
          },
        ],
      },
    ),
});

const node = '[[nodes]]\nname = "rift"\naddress = "192.0.2.7:9444"\n';
const mcias = '[mcias]\nserver_url = "https://mcias.example"\n';
const oidc = '[oidc]\nissuer = "https://id.example"\nclient_id = "mcp"\n';

for (
  const [given, text, provider] of [
    ["nothing", "", "local"],
    ["[mcias]", mcias, "mcias"],
    ["[oidc]", oidc, "oidc"],
    ["both and a provider", `${mcias}${oidc}[auth]\nprovider = "oidc"\n`, "oidc"],
    ["[mcias] and the provider local", `${mcias}[auth]\nprovider = "local"\n`, "local"],
  ] as const
) {
  Deno.test({
    name: `parseConfig() chooses the provider given ${given}`,
    permissions: "none",
    fn: () => strictEqual(parseConfig(text, file, undefined).identity.provider, provider),
  });
}

Deno.test({
  name: "parseConfig() gives what [oidc] does not say its default",
  permissions: "none",
  fn: () =>
    deepStrictEqual(parseConfig(oidc, file, undefined).identity, {
      provider: "oidc",
      issuer: "https://id.example",
      clientId: "mcp",
      scope: "openid offline_access",
      token: "id_token",
      resource: undefined,
      caCert: undefined,
    }),
});

const mistakes: readonly (readonly [given: string, text: string, details: readonly string[]])[] = [
  ["two nodes of one name", node + node, [
    '5: nodes[1].name: expected a name of its own, found "rift" again (see nodes[0])',
  ]],
  ["an address without a port", node.replace(":9444", ""), [
    '3: nodes[0].address: expected "host:port", e.g. "192.0.2.7:9444", found "192.0.2.7"',
  ]],
  ["a node name that is none", node.replace("rift", "../rift"), [
    "2: nodes[0].name: expected a node name (1 to 63 of a-z, 0-9 and -, starting and ending with " +
    'a letter or a digit), found "../rift"',
  ]],
  ["a user name alone", '[auth]\nusername = "kyle"\n', [
    "2: auth.username: expected password_file beside it, found it alone",
  ]],
  ["a password file alone", '[auth]\npassword_file = "p"\n', [
    "2: auth.password_file: expected username beside it, found it alone",
  ]],
  ["an unencrypted MCIAS", '[mcias]\nserver_url = "http://mcias.example"\n', [
    '2: mcias.server_url: expected an address like "https://mcias.example:8443", ' +
    'found "http://mcias.example"',
  ]],
  ["an account for nobody", '[auth]\nusername = "kyle"\npassword_file = "p"\n', [
    "2: auth.username: expected MCIAS as the provider, to log in at, found another",
  ]],
  ["a provider without its table", '[auth]\nprovider = "oidc"\n', [
    '1: oidc: expected a table, because auth.provider is "oidc", found nothing',
  ]],
  ["two providers and nothing that says which", `${mcias}${oidc}`, [
    '1: auth.provider: expected a provider, because there are tables for "mcias" and "oidc", ' +
    "found nothing",
  ]],
  ["an unencrypted issuer", oidc.replace("https", "http"), [
    '2: oidc.issuer: expected an issuer like "https://id.example/realms/home", ' +
    'found "http://id.example"',
  ]],
  ["two mistakes at once", '[service]\n[services]\ndri = "x"\n', [
    '1: service: expected a known key, found "service" (did you mean "services"?)',
    '3: services.dri: expected a known key, found "dri" (did you mean "dir"?)',
  ]],
];

for (const [given, text, details] of mistakes) {
  Deno.test({
    name: `parseConfig() refuses ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => parseConfig(text, file, undefined), (error) => {
        deepStrictEqual(
          error instanceof McpError && [error.kind, ...error.details],
          ["invalid", ...details.map((detail) => `${file}:${detail}`)],
        );
        return true;
      }),
  });
}

for (
  const [given, env, flag, expected] of [
    ["--config", { MCP_CONFIG: "/env.toml", HOME: "/home/kyle" }, "/flag.toml", "/flag.toml"],
    ["MCP_CONFIG", { MCP_CONFIG: "/env.toml", HOME: "/home/kyle" }, undefined, "/env.toml"],
    ["XDG_CONFIG_HOME", { XDG_CONFIG_HOME: "/xdg", HOME: "/h" }, undefined, "/xdg/mcp/mcp.toml"],
    ["a relative XDG_CONFIG_HOME", { XDG_CONFIG_HOME: "x", HOME: "/home/kyle" }, undefined, file],
    ["HOME alone", { HOME: "/home/kyle" }, undefined, file],
  ] as const
) {
  Deno.test({
    name: `locateConfig() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(locateConfig(env, flag), expected),
  });
}

Deno.test({
  name: "locateConfig() given no environment asks for --config",
  permissions: "none",
  fn: () => throws(() => locateConfig({}, undefined), { kind: "invalid" }),
});
