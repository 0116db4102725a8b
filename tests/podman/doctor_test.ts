/** The doctor with real rootless podman, as a user without rights. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { doctor } from "../../agent/processes/doctor.ts";
import { walkForPem } from "../../agent/node/doctor/pem_walk.ts";
import { serverPermissions } from "../../agent/permissions.ts";
import type { Finding } from "../../lib/domain/finding.ts";
import { findingFromWire } from "../../lib/wire/findings.ts";
import { realClock } from "../../lib/system/clock.ts";
import { startPodmanService } from "../support/podman_service.ts";
import { ProcessNode } from "../support/agent_process.ts";
import { ample, makeTestNode } from "../support/test_node.ts";
import { ThrowAwayFolder } from "../support/throw_away_folder.ts";

/** What there is to say of podman on a node that is set up as the sandbox is. */
function requirePodmanSeen(findings: readonly Finding[]): void {
  const said = (id: string) => {
    const found = findings.filter((finding) => finding.id === id);
    return found.map(({ level, what }) => `${level}: ${what}`).join("; ");
  };
  match(said("podman"), /^ok: \d+\.\d+\.\d+.*, answered in \d+\.\d s$/);
  match(said("user"), /^ok: mcp \(uid \d+\)$/);
  match(said("subuid"), /^ok: \d+ user ids from \d+$/);
  match(said("subgid"), /^ok: \d+ group ids from \d+$/);
  match(said("storage_driver"), /^ok: overlay in \//);
  match(said("log_driver"), /^ok: k8s-file$/);
  match(said("event_logger"), /^ok: file$/);
  match(said("cgroups"), /v2/);
  match(said("container_disk"), /^(ok|warning|error): .* free of /);
  match(said("service_root"), /^ok: /);
  strictEqual(said("rootless"), "");
  // Nobody has ever logged this user in, nor was it told to linger.
  match(said("linger"), /^error: off for mcp$/);
}

Deno.test("mcp-agent doctor sees how podman is set up, directly and by its service", async () => {
  await using folder = await ThrowAwayFolder.make();
  await using service = await startPodmanService();
  for (const agentConfig of ["", `podman_url = "${service.url}"`]) {
    const { config } = await makeTestNode(folder.path, realClock, { agentConfig });
    const lines: string[] = [];
    const code = await doctor.run({ config: config.file, json: true }, (line) => lines.push(line));
    strictEqual(code, 8);
    requirePodmanSeen(JSON.parse(lines.join("\n")).findings);
  }
});

Deno.test("Diagnose sees the same from within the agent's own permissions, and no more", async () => {
  await using service = await startPodmanService();
  await using node = await ProcessNode.make({
    usesPodman: true,
    agentConfig: `podman_url = "${service.url}"`,
  });
  const agent = node.start(serverPermissions(node.config));
  await agent.serving();
  const client = node.client();
  const findings = (await client.diagnose({}, ample)).findings.map(findingFromWire);
  client.close();
  requirePodmanSeen(findings);
  const levels = new Map(findings.map(({ id, level }) => [id, level]));
  strictEqual(levels.get("permissions"), "ok", JSON.stringify(findings));
  strictEqual(levels.get("registry"), "ok");
  const unknown = findings.filter(({ level }) => level === "unknown").map(({ id }) => id).sort();
  deepStrictEqual(unknown, ["time_sync", "units"]);
});

Deno.test("walkForPem() counts what it may not read", async () => {
  await using folder = await ThrowAwayFolder.make();
  const closed = folder.at("closed");
  await Deno.mkdir(closed);
  await Deno.writeTextFile(folder.at("secret.pem"), "none of it");
  await Deno.chmod(folder.at("secret.pem"), 0o000);
  await Deno.chmod(closed, 0o000);
  try {
    const walk = await walkForPem(folder.path);
    deepStrictEqual([...walk.unreadable].sort(), [closed, folder.at("secret.pem")]);
    ok(walk.unreadable.includes(join(folder.path, "closed")));
  } finally {
    await Deno.chmod(closed, 0o700);
  }
});
