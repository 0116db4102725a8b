import { match, ok, strictEqual } from "node:assert/strict";
import { decodeConfig } from "../../config.ts";
import { serverPermissions } from "../../permissions.ts";
import { permissionsDropIn, quoted, withUid } from "./unit_text.ts";

function config(more = "") {
  return decodeConfig(
    `[server]
grpc_addr = "100.95.252.120:9444"
tls_cert = "certs/cert.pem"
tls_key = "certs/key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "rift"
${more}`,
    "/srv/mcp/mcp-agent.toml",
  );
}

Deno.test({
  name: "permissionsDropIn() clears the command, then says it with every flag",
  permissions: "none",
  fn: () => {
    const text = permissionsDropIn(config(), "/usr/local/bin/mcp-agent");
    const commands = text.replaceAll("\\\n", "").split("\n")
      .filter((line) => line.startsWith("ExecStart="));
    strictEqual(commands.length, 2);
    strictEqual(commands[0], "ExecStart=");
    const words = (commands[1] ?? "").slice("ExecStart=".length).split(/ +/);
    strictEqual(words[0], "/usr/local/bin/mcp-agent");
    ok(words.includes("--allow-write=/srv"), text);
    const flags = serverPermissions(config());
    ok(flags.some((flag) => flag.startsWith("--allow-net=100.95.252.120:9444,")), text);
    for (const flag of flags) ok(words.includes(flag), `${flag} is missing:\n${text}`);
    strictEqual(words.slice(-3).join(" "), "server --config /srv/mcp/mcp-agent.toml");
  },
});

Deno.test({
  name: "permissionsDropIn() gives the agent longer to stop than its rollouts may take",
  permissions: "none",
  fn: () => {
    match(permissionsDropIn(config(), "/x"), /^TimeoutStopSec=90$/m);
    const longer = config('[rollout]\ndrain_timeout = "10m"\n');
    match(permissionsDropIn(longer, "/x"), /^TimeoutStopSec=630$/m);
  },
});

for (
  const [given, argument, expected] of [
    [
      "a plain word",
      "--allow-net=[::1]:9444,unix:/run/a.sock",
      "--allow-net=[::1]:9444,unix:/run/a.sock",
    ],
    ["a specifier of systemd's", "--allow-read=/srv/100%n", "--allow-read=/srv/100%%n"],
    ["a variable", "--allow-read=/srv/$HOME", "--allow-read=/srv/$$HOME"],
    ["a space", "--allow-read=/srv/a b", '"--allow-read=/srv/a b"'],
    ["quotes and a backslash", 'a"b\\c', '"a\\"b\\\\c"'],
    ["a semicolon", ";", '";"'],
    ["nothing", "", '""'],
  ] as const
) {
  Deno.test({
    name: `quoted() given ${given}`,
    permissions: "none",
    fn: () => strictEqual(quoted(argument), expected),
  });
}

Deno.test({
  name: "withUid() puts the number wherever the unit asks for it",
  permissions: "none",
  fn: () =>
    strictEqual(
      withUid("user@@UID@.service /run/user/@UID@", 990),
      "user@990.service /run/user/990",
    ),
});
