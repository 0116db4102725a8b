/**
 * Waits until the agent that systemd has started serves.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import { loadConfig } from "../../config.ts";
import { unitStates } from "./facts.ts";
import { programs } from "./layout.ts";
import type { Machine } from "./machine.ts";

/** Starting, after a boot with all that should run, on a slow machine. */
const patienceMs = 120_000;
const intervalMs = 500;
/** Another program on its port would answer as well, and the agent end a moment later. */
const looksInARow = 3;
/** systemd has started it anew that often: it is not slow, it fails. */
const givenUpRestarts = 2;
const shownLines = 15;

/**
 * Resolves when the agent takes connections, and goes on doing so.
 *
 * @throws {McpError} `unavailable` with the last lines of its journal when it does not.
 */
export async function awaitServing(machine: Machine, configFile: string): Promise<void> {
  const { server } = await loadConfig(machine.files, configFile);
  const { hostname, port } = dialled(server.address);
  const giveUpAt = machine.clock.now().getTime() + patienceMs;
  let inARow = 0;
  let pid = 0;
  const restartsBefore = (await stateOf(machine))?.restarts ?? 0;
  while (machine.clock.now().getTime() < giveUpAt) {
    const state = await stateOf(machine);
    if (state?.isFailed === true) break;
    if ((state?.restarts ?? 0) >= restartsBefore + givenUpRestarts) break;
    const isUp = state?.isActive === true && state.mainPid > 0 &&
      await machine.answers(hostname, port);
    inARow = !isUp ? 0 : state.mainPid === pid ? inARow + 1 : 1;
    pid = state?.mainPid ?? 0;
    if (inARow >= looksInARow) return;
    await machine.clock.sleep(intervalMs);
  }
  throw new McpError("unavailable", `The agent does not serve on ${server.address}`, {
    details: await lastLines(machine),
    hint: "Run `journalctl --unit mcp-agent` for all of it; mend it, then the same command again",
  });
}

async function stateOf(machine: Machine) {
  return (await unitStates(machine)).get("mcp-agent.service");
}

/** Where to dial what listens there; to listen on every address is to listen on loopback, too. */
export function dialled(address: string): { readonly hostname: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const loopback: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return { hostname: loopback[host] ?? host, port: Number(address.slice(colon + 1)) };
}

async function lastLines({ exec }: Machine): Promise<string[]> {
  const argv = [
    programs.journalctl,
    // What the agent says itself; of what systemd says about it, the hint's command tells.
    ...[
      "--unit",
      "mcp-agent",
      "--identifier",
      "mcp-agent",
      "--output",
      "cat",
      "--no-pager",
      "--lines",
      String(shownLines),
    ],
  ];
  try {
    const { stdout } = await exec(argv, { timeoutMs: 20_000 });
    return stdout.split("\n").filter((line) => line !== "");
  } catch {
    // What is wrong is said all the same, and the hint names the command.
    return [];
  }
}
