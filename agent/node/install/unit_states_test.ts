import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parseUnitStates, showArgs } from "./unit_states.ts";

/** As systemd 252 prints it. */
const printed = `MainPID=227
NRestarts=3
ExecMainStartTimestamp=Fri 2026-11-20 12:32:48.123456 UTC
Id=mcp-agent.service
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no

Id=mcp-podman.socket
ActiveState=failed
UnitFileState=
NeedDaemonReload=yes
`;

Deno.test({
  name: "parseUnitStates() reads units of different kinds",
  permissions: "none",
  fn: () => {
    const states = parseUnitStates(printed);
    deepStrictEqual(states.get("mcp-agent.service"), {
      isActive: true,
      isFailed: false,
      isEnabled: true,
      needsReload: false,
      mainPid: 227,
      restarts: 3,
      startedAt: new Date("2026-11-20T12:32:48.123Z"),
    });
    deepStrictEqual(states.get("mcp-podman.socket"), {
      isActive: false,
      isFailed: true,
      isEnabled: false,
      needsReload: true,
      mainPid: 0,
      restarts: 0,
      startedAt: undefined,
    });
  },
});

Deno.test({
  name: "parseUnitStates() makes nothing of nothing",
  permissions: "none",
  fn: () => strictEqual(parseUnitStates("").size, 0),
});

Deno.test({
  name: "showArgs() asks for times that can be read in any time zone",
  permissions: "none",
  fn: () => ok(showArgs(["a.service"]).includes("--timestamp=us+utc")),
});
