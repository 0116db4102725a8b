/**
 * What the agent can see of its node, from within its sandbox.
 *
 * It may run podman and nothing else, and read neither /etc/passwd nor /proc; what it cannot see it
 * says, and so does the one who asked.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Files } from "../../../lib/system/files.ts";
import { compareGrants } from "../../grants.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { accountOf } from "../accounts.ts";
import { type DoctorDeps, tryToWrite } from "./facts.ts";

/** What the agent has at hand. */
interface AgentParts {
  readonly clock: Pick<Clock, "now">;
  readonly files: Pick<Files, "readText" | "mode">;
  readonly runtime: Pick<ContainerRuntime, "info">;
  readonly registry: { requireSound(): void };
}

/** Looks as the agent. */
export function fromAgent({ registry, ...parts }: AgentParts): DoctorDeps {
  return {
    ...parts,
    vantage: "agent",
    requireSoundRegistry: () => registry.requireSound(),
    // deno-lint-ignore require-await -- elsewhere this asks
    async account(info, lent) {
      const account = info === undefined ? undefined : accountOf(info, lent);
      if (account !== undefined) return account;
      throw new McpError("unavailable", "the agent cannot see which user it is");
    },
    compareGrants,
    whyNotWritable: tryToWrite,
    clockIsSynchronized: () => Promise.reject(notFromHere()),
    units: () => Promise.reject(notFromHere()),
  };
}

function notFromHere(): McpError {
  return new McpError("unavailable", "the agent may not ask systemd");
}
