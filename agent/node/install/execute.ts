/**
 * Does what a plan says, in its order.
 *
 * Stops at the first step that fails; what was done before it stays, and the next run goes on from
 * there. The one thing that is undone is an upgrade whose agent does not serve.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import { loadConfig } from "../../config.ts";
import { awaitServing } from "./await_serving.ts";
import { nodeAccount, unusedRuntimes } from "./facts.ts";
import { nodeUser } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { type PreviousRegistry, putBack, type Undoable } from "./put_back.ts";
import { copyRuntime, replaceExecutable, requireNoLinks, writeRootFile } from "./root_files.ts";
import { runAsNodeUser, runAsRoot } from "./run_programs.ts";
import type { Action, Plan, Step } from "./steps.ts";
import { permissionsDropIn, withUid } from "./unit_text.ts";

/** Whom it tells. */
export interface Listener {
  /** What is being changed. */
  readonly begun: (action: Action) => void;
  /** At once: what is told only once is not to be lost to a later failure. */
  readonly made: (node: MadeNode) => void;
}

/** A new node's first token, and how a workstation gets to know the node. */
export interface MadeNode {
  readonly node: string;
  readonly token: string;
  readonly tokenExpiresAt: string;
  /** The command for the workstation. */
  readonly nodeAdd: string;
}

/** What steps leave for those after them. */
interface Progress extends Undoable {
  readonly replaced: Map<string, string | undefined>;
  replacedExecutable: boolean;
}

/** Executes a plan. */
export async function execute(machine: Machine, plan: Plan, listener: Listener): Promise<void> {
  const progress: Progress = { replaced: new Map(), replacedExecutable: false };
  for (const action of plan.actions) {
    if (action.state === "keep") continue;
    listener.begun(action);
    for (const step of action.steps) await doStep(machine, step, progress, listener);
  }
}

async function doStep(
  machine: Machine,
  step: Step,
  progress: Progress,
  listener: Listener,
): Promise<void> {
  const { files } = machine;
  const replace = async (path: string, text: string) => {
    const before = await files.readText(path);
    if (!progress.replaced.has(path)) progress.replaced.set(path, before);
    await writeRootFile(machine, path, text);
  };
  switch (step.do) {
    case "run":
      await runAsRoot(machine, step.argv, step);
      return;
    case "write": {
      const hasUid = step.text.includes("@UID@");
      const text = hasUid ? withUid(step.text, await uidOfNodeUser(machine)) : step.text;
      return await replace(step.path, text);
    }
    case "write_permissions": {
      const config = await loadConfig(files, step.config);
      return await replace(step.path, permissionsDropIn(config, machine.layout.executable));
    }
    case "remove":
      await requireNoLinks(machine, dirname(step.path));
      return await removeAll(step.path);
    case "remove_if_empty":
      if ((await files.list(step.path)).length === 0) await removeAll(step.path);
      return;
    case "remove_unused_runtimes": {
      const names = await files.list(step.folder);
      const current = basename(machine.program?.runtime ?? "");
      for (const name of await unusedRuntimes(machine.layout, names, [current])) {
        await removeAll(`${step.folder}/${name}`);
      }
      return;
    }
    case "copy_runtime":
      return await copyRuntime(step.from, step.to);
    case "snapshot": {
      const argv = [step.executable, "snapshot", "--json", "--config", step.config];
      const { path, schema } = JSON.parse((await runAsNodeUser(machine, argv)).stdout);
      const record: PreviousRegistry = { snapshot: String(path), schema: Number(schema) };
      return await writeRootFile(machine, step.record, `${JSON.stringify(record)}\n`);
    }
    case "replace_executable":
      await replaceExecutable(step);
      progress.replacedExecutable = true;
      return;
    case "make_node":
      return await makeNode(machine, step, listener.made);
    case "await_serving":
      return await serveOrPutBack(machine, step, progress);
  }
}

async function serveOrPutBack(
  machine: Machine,
  step: Extract<Step, { do: "await_serving" }>,
  progress: Progress,
): Promise<void> {
  try {
    await awaitServing(machine, step.config);
  } catch (error) {
    throw await putBack(machine, step, progress, error);
  }
}

/** The number of the agent's user, once there is one. */
async function uidOfNodeUser(machine: Machine): Promise<number> {
  const user = await nodeAccount(machine);
  if (user !== undefined) return user.uid;
  throw new McpError("unavailable", `Cannot find the user ${nodeUser} in /etc/passwd`, {
    hint: `Run \`getent passwd ${nodeUser}\`: a user that comes from elsewhere will not do`,
  });
}

/** In the order in which they are moved; a folder with the last one is a node. */
const partsOfNode = ["certs", "mcp.db", "mcp-agent.toml"];

/**
 * Makes a node beside its place, and moves it there. The config is written last and moved last: by
 * it a run that follows one that was cut short knows whether to begin anew or to move the rest.
 */
async function makeNode(
  machine: Machine,
  { executable, staging, folder, args }: Extract<Step, { do: "make_node" }>,
  tell: Listener["made"],
): Promise<void> {
  await requireNoLinks(machine, folder);
  const config = `${staging}/mcp-agent.toml`;
  if (await machine.files.mode(config) === undefined) {
    await removeAll(staging);
    const argv = [executable, "init", "--json", "--config", config, ...args];
    const answer = JSON.parse((await runAsNodeUser(machine, argv)).stdout);
    tell({
      node: String(answer.node),
      token: String(answer.token),
      tokenExpiresAt: String(answer.token_expires_at),
      nodeAdd: String(answer.node_add),
    });
  }
  await requireNoLinks(machine, staging);
  for (const part of partsOfNode) {
    if (await machine.files.kind(`${staging}/${part}`) === undefined) continue;
    if (await machine.files.kind(`${folder}/${part}`) !== undefined) {
      throw new McpError("conflict", `Cannot make a node: ${folder}/${part} exists already`, {
        hint: `Move it away, then run the same command again`,
      });
    }
    await Deno.rename(`${staging}/${part}`, `${folder}/${part}`);
  }
  await removeAll(staging);
}

async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new McpError("unavailable", `Cannot remove ${path}`, { cause: error });
  }
}
