/**
 * `mcp-agent uninstall` — has this machine be no node any more, as root.
 *
 * Stops every container. Config, registry, images and volumes stay unless --purge-data is given;
 * folders of services stay in any case.
 *
 * Grants: as `mcp-agent install`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { execute } from "../node/install/execute.ts";
import { gatherFacts } from "../node/install/facts.ts";
import type { Machine } from "../node/install/machine.ts";
import { realMachine } from "../node/install/real_machine.ts";
import { isDone, planLines } from "../node/install/steps.ts";
import { planUninstall } from "../node/install/uninstall_plan.ts";
import {
  askOnTerminal,
  type Conversation,
  dryRunFlag,
  installGrants,
  requireConsent,
  requireRoot,
  yesFlag,
} from "./install.ts";
import { type Process, switchFlag } from "./process.ts";

const parser = object({
  purgesData: switchFlag("--purge-data", "Remove registry, config, images and volumes as well"),
  dryRun: dryRunFlag(),
  yes: yesFlag(),
});

type UninstallInput = InferValue<typeof parser>;

/** Uninstalls. */
export const uninstall: Process<UninstallInput> = {
  path: ["uninstall"],
  summary: "Stop the node and remove the program; data stays unless told otherwise",
  example: "mcp-agent uninstall --dry-run",
  grants: installGrants,
  parser,

  async run(input, print) {
    await uninstallFrom(await realMachine("uninstall"), input, {
      print,
      confirm: askOnTerminal(),
    });
  },
};

/** Plans, asks and does. */
export async function uninstallFrom(
  machine: Machine,
  { purgesData, dryRun, yes }: UninstallInput,
  { print, confirm }: Conversation,
): Promise<void> {
  if (!dryRun) requireRoot(machine, "uninstall");
  const plan = planUninstall(await gatherFacts(machine), machine.nodeFiles, { purgesData });
  if (isDone(plan)) return print("Nothing to do: this is no node");
  if (dryRun || !yes) { for (const line of planLines(plan)) print(line); }
  if (dryRun) {
    print("");
    return print("Nothing was changed");
  }
  requireConsent({ yes, confirm, question: "Stop every container and uninstall?" });
  if (purgesData) {
    requireConsent({ yes, confirm, question: "Remove registry, images and volumes for good?" });
  }
  await execute(machine, plan, {
    begun: ({ what, now }) => print(`… ${what}: ${now}`),
    made: () => {},
  });
  print("");
  print("Done: this machine is no node any more");
  for (const note of plan.notes) print(`note    ${note}`);
}
