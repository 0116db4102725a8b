/**
 * Does what a plan says, in its order.
 *
 * Stops at the first step that fails; what was done before it stays, and the next run goes on from
 * there. The one thing that is undone is an upgrade whose agent does not serve.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { McpError } from "../../lib/errors.ts";
import type { ExecResult } from "../../lib/system/exec.ts";
import { loadConfig } from "../config.ts";
import { awaitServing } from "./await_serving.ts";
import { accountOf, unusedRuntimes } from "./facts.ts";
import { nodeUser, programs } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { copyRuntime, replaceExecutable, requireNoLinks, writeRootFile } from "./root_files.ts";
import type { Plan, Step } from "./steps.ts";
import { permissionsDropIn, withUid } from "./unit_text.ts";
import { putBack } from "./put_back.ts";

/** What came of it. */
export interface Executed {
  /** The node that was made, unless there was one. */
  readonly made: MadeNode | undefined;
}

/** A new node's first token, and how a workstation gets to know the node. */
export interface MadeNode {
  readonly node: string;
  readonly token: string;
  readonly tokenExpiresAt: string;
  /** The command for the workstation. */
  readonly nodeAdd: string;
}

/** What the registry was before an upgrade. */
export interface PreviousRegistry {
  readonly snapshot: string;
  readonly schema: number;
}

/** What steps leave for those after them. */
export interface Progress {
  made: MadeNode | undefined;
  /** Files of this upgrade with their texts before; undefined: there was none. */
  readonly replaced: Map<string, string | undefined>;
  /** Whether a program was put into the place of another one, in this run. */
  replacedExecutable: boolean;
}

/** Copying registries and making keys, on slow machines too. */
const programMs = 120_000;

/**
 * Executes a plan.
 *
 * @param tell Gets a line for people before something is changed.
 */
export async function execute(
  machine: Machine,
  plan: Plan,
  tell: (line: string) => void,
): Promise<Executed> {
  const progress: Progress = {
    made: undefined,
    replaced: new Map(),
    replacedExecutable: false,
  };
  for (const { what, state, steps } of plan.actions) {
    if (state === "keep") continue;
    tell(what);
    for (const step of steps) await doStep(machine, step, progress);
  }
  return { made: progress.made };
}

async function doStep(machine: Machine, step: Step, progress: Progress): Promise<void> {
  const { files } = machine;
  switch (step.do) {
    case "run":
      await runAsRoot(machine, step.argv, step);
      return;
    case "write": {
      const before = await files.readText(step.path);
      if (!progress.replaced.has(step.path)) progress.replaced.set(step.path, before);
      const text = step.text.includes("@UID@")
        ? withUid(step.text, await uidOfNodeUser(machine))
        : step.text;
      return await writeRootFile(machine, step.path, text);
    }
    case "write_permissions": {
      const before = await files.readText(step.path);
      if (!progress.replaced.has(step.path)) progress.replaced.set(step.path, before);
      const config = await loadConfig(files, step.config);
      const text = permissionsDropIn(config, machine.layout.executable);
      return await writeRootFile(machine, step.path, text);
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
      progress.made = await makeNode(machine, step);
      return;
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

/** Runs a program of {@link programs}. */
export async function runAsRoot(
  { exec }: Machine,
  argv: readonly string[],
  { timeoutMs, alsoFine = [] }: { timeoutMs: number; alsoFine?: readonly number[] },
): Promise<ExecResult> {
  const result = await exec(argv, {
    timeoutMs,
    env: { PATH: path, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
  });
  return requireSuccess(argv, result, alsoFine);
}

/** Runs a program as the agent's user, without a way back to more. */
export async function runAsNodeUser(
  { exec, layout }: Machine,
  argv: readonly string[],
): Promise<ExecResult> {
  const all = [
    programs.setpriv,
    ...["--reuid", nodeUser, "--regid", nodeUser, "--init-groups"],
    ...["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"],
    ...argv,
  ];
  const env = { PATH: path, LC_ALL: "C.UTF-8", HOME: layout.folder };
  return requireSuccess(argv, await exec(all, { timeoutMs: programMs, env }), []);
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function requireSuccess(
  argv: readonly string[],
  result: ExecResult,
  alsoFine: readonly number[],
): ExecResult {
  if (result.code === 0 || alsoFine.includes(result.code)) return result;
  const lines = result.stderr.split("\n").filter((line) => line.trim() !== "");
  throw new McpError(
    "unavailable",
    `Cannot go on: ${basename(argv[0] ?? "")} ended with code ${result.code}`,
    {
      details: lines.slice(-10),
      hint: `Run \`${argv.join(" ")}\` for yourself, then the same command again`,
    },
  );
}

/** The number of the agent's user, once there is one. */
async function uidOfNodeUser({ files, root }: Machine): Promise<number> {
  const user = accountOf(await files.readText(`${root}/etc/passwd`) ?? "", nodeUser);
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
): Promise<MadeNode | undefined> {
  let made: MadeNode | undefined;
  await requireNoLinks(machine, folder);
  const config = `${staging}/mcp-agent.toml`;
  if (await machine.files.mode(config) === undefined) {
    await removeAll(staging);
    const argv = [executable, "init", "--json", "--config", config, ...args];
    const answer = JSON.parse((await runAsNodeUser(machine, argv)).stdout);
    made = {
      node: String(answer.node),
      token: String(answer.token),
      tokenExpiresAt: String(answer.token_expires_at),
      nodeAdd: String(answer.node_add),
    };
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
  return made;
}

async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new McpError("unavailable", `Cannot remove ${path}`, { cause: error });
  }
}
