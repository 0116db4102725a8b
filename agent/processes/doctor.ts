/**
 * `mcp-agent doctor` — looks for what is wrong with this node, or soon will be; repairs nothing.
 *
 * May run before there is a node, beside a running agent, and after it has failed; as root it sees
 * everything. The same rules judge what the agent sees of itself (`mcp node doctor`).
 *
 * Grants:
 *   read  everything: certificates below the services' folder, /etc/passwd, /etc/subuid, units
 *   net   the identity provider, which only the config names
 *   run   podman, timedatectl, systemctl; runuser, for root to ask the podman of the node's user
 *   sys   who it is, disk and memory
 *   (no write)  whoever runs this in need cannot make it worse
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { resolve } from "node:path";
import {
  countFindings,
  type Finding,
  findingTexts,
  needAttention,
  worstFirst,
} from "../../lib/domain/finding.ts";
import { failedExitCode } from "../../lib/exit_code.ts";
import { realClock } from "../../lib/system/clock.ts";
import { type Exec, realExec } from "../../lib/system/exec.ts";
import { realFiles } from "../../lib/system/files.ts";
import { realFollow } from "../../lib/system/follow.ts";
import { type AgentConfig, loadConfig } from "../config.ts";
import type { Account } from "../node/accounts.ts";
import { Doctor } from "../node/doctor/doctor.ts";
import { onNode } from "../node/doctor/on_node.ts";
import { assumedConfig, findingsWithoutConfig } from "../node/doctor/without_config.ts";
import { Podman } from "../runtime/podman/podman.ts";
import { configOption, jsonFlag, subcommand } from "./process.ts";

/** Looks, and tells. */
export const doctor = subcommand({
  path: ["doctor"],
  summary:
    "Look for what is wrong with this node, or soon will be; exits with 8 if there is anything",
  example: "mcp-agent doctor --config /srv/mcp/mcp-agent.toml",
  grants: [
    "--allow-read",
    "--allow-net",
    "--allow-run=podman,runuser,systemctl,timedatectl",
    "--allow-sys=uid,statfs,systemMemoryInfo",
  ],
  parser: object({ config: configOption(), json: jsonFlag() }),

  async run(input, print) {
    const findings = worstFirst(await look(resolve(input.config)));
    if (input.json) print(JSON.stringify({ findings }));
    else printFindings(findings, print);
    return needAttention(findings) ? failedExitCode : 0;
  },
});

async function look(file: string): Promise<Finding[]> {
  let config: AgentConfig;
  try {
    config = await loadConfig(realFiles, file);
  } catch (error) {
    return findingsWithoutConfig(file, error, await lookBy(assumedConfig()));
  }
  return await lookBy(config);
}

async function lookBy(config: AgentConfig): Promise<Finding[]> {
  const uid = Deno.uid() ?? 0;
  const parts = {
    clock: realClock,
    files: realFiles,
    exec: realExec,
    uid,
    // podman's API service answers root as well; without one, podman must be run as its user. It is
    // never asked at its socket, to which one has to be allowed to write.
    runtimeOf: async (account: () => Promise<Account>) =>
      new Podman({
        exec: config.podmanUrl === undefined && uid === 0 ? execAs(await account()) : realExec,
        follow: realFollow,
        target: { program: config.podman, url: config.podmanUrl },
        pullTimeoutMs: config.rollout.pullTimeoutMs,
      }),
  };
  return await new Doctor(config, onNode(parts, config)).diagnose();
}

/** Runs programs as another user, at home: podman looks there for its settings and its storage. */
function execAs({ name, uid, home }: Account): Exec {
  return async (argv, options) =>
    await realExec([
      "runuser",
      `--user=${name}`,
      "--",
      "env",
      "--chdir=/",
      `HOME=${home}`,
      `XDG_RUNTIME_DIR=/run/user/${uid}`,
      ...argv,
    ], options);
}

function printFindings(findings: readonly Finding[], print: (line: string) => void): void {
  for (const { label, head, more } of findingTexts(findings)) {
    print(`${label}  ${head}`);
    for (const line of more) print(`    ${line}`);
  }
  print("");
  print(countFindings(findings));
  if (findings.some(({ fix }) => fix !== "")) {
    print("Fixes are run here as root, but those of `mcp` on a workstation");
  }
}
