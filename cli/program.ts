/**
 * Every command, in the order of `mcp --help`. Reading this is reading that.
 *
 * A command is loaded when it is named; help and completion load them all.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { Command, CommandContext, Example, Result } from "./command.ts";

/** A command whose input has been read and is waiting for its context. */
export type Invocation = (context: CommandContext) => Promise<Result>;

/** A command that hides its kind of input, so that all fit into one list. */
export interface Entry
  extends Pick<Command<never>, "path" | "summary" | "description" | "examples"> {
  readonly parser: Parser<"sync", Invocation, unknown>;
}

/** Where a command is. */
interface Place extends Pick<Entry, "path"> {
  load(): Promise<Entry>;
}

const places: readonly Place[] = [
  place(["login"], async () => (await import("./commands/login.ts")).login),
  place(["logout"], async () => (await import("./commands/logout.ts")).logout),
  place(["plan"], async () => (await import("./commands/plan.ts")).plan),
  place(["deploy"], async () => (await import("./commands/deploy.ts")).deploy),
  place(["history"], async () => (await import("./commands/history.ts")).history),
  place(["rollback"], async () => (await import("./commands/rollback.ts")).rollback),
  place(["diff"], async () => (await import("./commands/diff.ts")).diff),
  place(["stop"], async () => (await import("./commands/lifecycle.ts")).stop),
  place(["start"], async () => (await import("./commands/lifecycle.ts")).start),
  place(["restart"], async () => (await import("./commands/lifecycle.ts")).restart),
  place(["remove"], async () => (await import("./commands/remove.ts")).remove),
  place(["sync"], async () => (await import("./commands/sync.ts")).sync),
  place(["list"], async () => (await import("./commands/list.ts")).list),
  place(["ps"], async () => (await import("./commands/ps.ts")).ps),
  place(["status"], async () => (await import("./commands/status.ts")).status),
  place(["logs"], async () => (await import("./commands/logs.ts")).logs),
  place(["events"], async () => (await import("./commands/events.ts")).events),
  place(["audit"], async () => (await import("./commands/audit.ts")).audit),
  place(["adopt"], async () => (await import("./commands/adopt.ts")).adopt),
  place(["service", "show"], async () => (await import("./commands/service/show.ts")).serviceShow),
  place(["service", "edit"], async () => (await import("./commands/service/edit.ts")).serviceEdit),
  place(
    ["service", "export"],
    async () => (await import("./commands/service/export.ts")).serviceExport,
  ),
  place(
    ["service", "import"],
    async () => (await import("./commands/service/import.ts")).serviceImport,
  ),
  place(["push"], async () => (await import("./commands/push.ts")).push),
  place(["pull"], async () => (await import("./commands/pull.ts")).pull),
  place(["prune"], async () => (await import("./commands/prune.ts")).prune),
  place(["node", "list"], async () => (await import("./commands/node/list.ts")).nodeList),
  place(["node", "add"], async () => (await import("./commands/node/add.ts")).nodeAdd),
  place(["node", "remove"], async () => (await import("./commands/node/remove.ts")).nodeRemove),
  place(["node", "doctor"], async () => (await import("./commands/node/doctor.ts")).nodeDoctor),
];

/** The commands. */
export async function allCommands(): Promise<readonly Entry[]> {
  return await Promise.all(places.map((each) => each.load()));
}

/** The command that the arguments begin with; undefined where they begin with none. */
export async function namedCommand(args: readonly string[]): Promise<Entry | undefined> {
  return await places.find(({ path }) => path.every((word, at) => args[at] === word))?.load();
}

/** What the first word of a two-word command is about. */
export const groups: Readonly<Record<string, string>> = {
  node: "Know the nodes of this workstation, and how they are",
  service: "See and edit what is asked of a service",
};

/** What someone who starts with `mcp --help` does next. */
export const firstSteps: readonly Example[] = [
  { line: "mcp node add rift 192.0.2.7:9444 --ca-data MIIB…", effect: "learn the first node" },
  { line: "mcp login", effect: "get a token" },
  { line: "mcp deploy metacrypt", effect: "put a service into service" },
  { line: "mcp status", effect: "see what needs attention" },
];

function place<Input>(path: Entry["path"], load: () => Promise<Command<Input>>): Place {
  return { path, load: async () => entry(await load()) };
}

function entry<Input>(command: Command<Input>): Entry {
  return {
    ...command,
    parser: map(command.parser, (input): Invocation => (context) => command.run(context, input)),
  };
}
