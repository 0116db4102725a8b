import { deepStrictEqual } from "node:assert/strict";
import { decodeConfig } from "../../config.ts";
import { permissionsDropIn } from "../install/unit_text.ts";
import { serverPermissions } from "../../permissions.ts";
import { compareWithUnit, parseUnits } from "./systemd.ts";

Deno.test({
  name: "parseUnits() tells a unit that is not there from one that is not enabled",
  permissions: "none",
  fn: () =>
    deepStrictEqual(
      parseUnits(`Id=mcp-agent.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled

Id=mcp-podman.socket
LoadState=loaded
ActiveState=inactive
UnitFileState=disabled

Id=mcp-containers.service
LoadState=not-found
ActiveState=inactive
UnitFileState=
`),
      [
        { name: "mcp-agent.service", enabled: "enabled", active: "active" },
        { name: "mcp-podman.socket", enabled: "disabled", active: "inactive" },
        { name: "mcp-containers.service", enabled: undefined, active: "inactive" },
      ],
    ),
});

const config = decodeConfig(
  `[server]
grpc_addr = "192.0.2.7:9444"
tls_cert = "cert.pem"
tls_key = "key.pem"
[database]
path = "mcp.db"
[agent]
node_name = "rift"
service_root = '/srv of 100% "$x"'
`,
  "/srv/mcp/mcp-agent.toml",
);
const needed = serverPermissions(config);

Deno.test({
  name: "compareWithUnit() reads what the installer writes, whatever is quoted in it",
  permissions: "none",
  fn: () => {
    const unit = permissionsDropIn(config, "/usr/local/bin/mcp-agent");
    deepStrictEqual(compareWithUnit(needed, unit), { missing: [], broader: [] });
  },
});

for (
  const [given, unit, missing, broader] of [
    ["nothing", "", needed, []],
    ["a unit that clears its command", "[Service]\nExecStart=\n", needed, []],
    [
      "one flag less and one more",
      `[Service]\nExecStart=\nExecStart=mcp-agent ${
        needed.slice(1).map((flag) => `'${flag.replaceAll("%", "%%").replaceAll("$", "$$$$")}'`)
          .join(
            " ",
          )
      } \\\n  --allow-env server --config F\n`,
      [needed[0]],
      ["--allow-env"],
    ],
  ] as const
) {
  Deno.test({
    name: `compareWithUnit() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(compareWithUnit(needed, unit), { missing, broader }),
  });
}
