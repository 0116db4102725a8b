/** `mcp node doctor`: which nodes are asked, what is shown of those that do not answer, and how it ends. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { McpError } from "../../lib/errors.ts";
import { deadNode, hangingNode, type Script, startNode } from "../support/scripted_node.ts";
import { json, now, Workstation } from "../support/workstation.ts";

const ok = { id: "linger", level: "ok", what: "on for mcp" };
const unknown = { id: "units", level: "unknown", what: "not looked at", fix: "mcp-agent doctor" };
const warning = {
  id: "disk",
  level: "warning",
  what: "9 % free",
  why: "Services fail.",
  fix: "du /srv",
};
const error = { ...warning, id: "certificate", level: "error", what: "expired 3 days ago" };

function saying(...findings: readonly { readonly id: string; readonly level: string }[]): Script {
  const at = timestampFromDate(now);
  return { diagnose: () => ({ findings: [...findings], askedAt: at, answeredAt: at }) };
}

for (
  const [given, findings, code] of [
    ["all is well", [ok], 0],
    ["something could not be looked at", [ok, unknown], 0],
    ["there is a warning", [ok, warning], 8],
    ["there is an error", [error, ok], 8],
    ["a newer agent has a level that nobody here knows", [{ ...error, level: "fatal" }], 8],
  ] as const
) {
  Deno.test(`mcp node doctor ends with ${code} when ${given}`, async () => {
    await using rift = await startNode("rift", saying(...findings));
    await using home = new Workstation();
    await home.know(rift);
    const outcome = await home.run("node doctor");
    strictEqual(outcome.code, code, outcome.out + outcome.err);
  });
}

Deno.test("mcp node doctor asks all nodes, or the one that is named", async () => {
  await using rift = await startNode("rift", saying(ok, warning, error));
  await using vade = await startNode("vade", saying(ok));
  await using home = new Workstation();
  await home.know(rift, vade);
  const { code, out } = await home.run("node doctor");
  strictEqual(code, 8);
  strictEqual(
    out,
    `rift  ${rift.address}  1 error, 1 warning, 2 ok
  error    certificate  expired 3 days ago
      Services fail.
      Fix: du /srv
  warning  disk         9 % free
      Services fail.
      Fix: du /srv
  ok       linger       on for mcp
  ok       clock        that of this workstation (± 0ms)

vade  ${vade.address}  2 ok
  ok       linger  on for mcp
  ok       clock   that of this workstation (± 0ms)

Fixes are run on the node as root, but those of \`mcp\` itself here
`,
  );
  const named = await home.run("node doctor vade --json");
  strictEqual(named.code, 0);
  deepStrictEqual(json(named).nodes, [{
    name: "vade",
    findings: [
      { id: "linger", level: "ok", what: "on for mcp", why: "", fix: "" },
      { id: "clock", level: "ok", what: "that of this workstation (± 0ms)", why: "", fix: "" },
    ],
  }]);
  deepStrictEqual([rift.calls.length, vade.calls.length], [1, 2]);
  const unknownNode = await home.run("node doctor vode");
  strictEqual(unknownNode.code, 4);
  match(unknownNode.err, /Did you mean "vade"\?/);
});

Deno.test("mcp node doctor says of a silent node what was tried, and what to run next", async () => {
  await using rift = await startNode("rift", saying(error));
  const dead = deadNode("dead");
  await using slow = hangingNode("slow");
  await using home = new Workstation();
  await home.know(rift, dead, slow);
  const { code, out } = await home.run("node doctor --timeout 2s");
  strictEqual(code, 7, out);
  match(out, /^ {2}error +certificate +expired/m);
  match(
    out,
    new RegExp(
      `^dead  ${dead.address}  1 error\n +error +connection +tried ${dead.address}: connection failed: connection refused\n.*\n +Fix: systemctl restart mcp-agent && mcp-agent doctor$`,
      "m",
    ),
  );
  match(out, /tried \S+: answer failed: No answer from \S+ within 2 s/);
  const alone = await home.run("node doctor dead");
  strictEqual(alone.code, 6);
  const { nodes } = json(await home.run("node doctor dead --json"));
  deepStrictEqual([nodes[0].findings[0].id, nodes[0].error.kind], ["connection", "unavailable"]);
});

Deno.test("mcp node doctor tells a refused token and an older agent from a dead one", async () => {
  await using rift = await startNode("rift", saying(ok));
  await using old = await startNode("old", {
    diagnose() {
      throw new McpError("unimplemented", "There is no such method");
    },
  });
  await using home = new Workstation();
  await home.know({ ...rift, token: "another" }, old);
  const refused = await home.run("node doctor rift");
  strictEqual(refused.code, 3);
  match(refused.out, /connection ok, TLS ok, token failed: .*\n.*\n +Fix: mcp login/);
  const older = await home.run("node doctor old");
  strictEqual(older.code, 2);
  match(
    older.out,
    /token ok, answer failed: .*\n.*older than this mcp.*\n +Fix: mcp-agent doctor$/m,
  );
});

Deno.test("completion knows the doctor and its nodes", async () => {
  await using home = new Workstation();
  await home.know({ name: "rift", address: "192.0.2.7:1", token: "t" });
  const words = async (...typed: readonly string[]) =>
    (await home.run(["completion", "bash", ...typed])).out.split("\n");
  deepStrictEqual((await words("node", "doc")).includes("doctor"), true);
  deepStrictEqual((await words("node", "doctor", "")).includes("rift"), true);
});
