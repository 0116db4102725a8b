/**
 * Every command, in the order of `mcp --help`. Reading this is reading that.
 *
 * @module
 */

import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { Command, CommandContext, Example, Report, Stream } from "./command.ts";
import { adopt } from "./commands/adopt.ts";
import { audit } from "./commands/audit.ts";
import { deploy } from "./commands/deploy.ts";
import { diff } from "./commands/diff.ts";
import { events } from "./commands/events.ts";
import { history } from "./commands/history.ts";
import { list } from "./commands/list.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { logs } from "./commands/logs.ts";
import { nodeAdd } from "./commands/node/add.ts";
import { nodeDoctor } from "./commands/node/doctor.ts";
import { nodeList } from "./commands/node/list.ts";
import { nodeRemove } from "./commands/node/remove.ts";
import { plan } from "./commands/plan.ts";
import { prune } from "./commands/prune.ts";
import { ps } from "./commands/ps.ts";
import { pull } from "./commands/pull.ts";
import { push } from "./commands/push.ts";
import { remove } from "./commands/remove.ts";
import { restart } from "./commands/restart.ts";
import { rollback } from "./commands/rollback.ts";
import { serviceEdit } from "./commands/service/edit.ts";
import { serviceExport } from "./commands/service/export.ts";
import { serviceImport } from "./commands/service/import.ts";
import { serviceShow } from "./commands/service/show.ts";
import { start } from "./commands/start.ts";
import { status } from "./commands/status.ts";
import { stop } from "./commands/stop.ts";
import { sync } from "./commands/sync.ts";

/** A command whose input has been read and is waiting for its context. */
export type Invocation = (context: CommandContext) => Promise<Report | Stream>;

/** A command that hides its kind of input, so that all fit into one list. */
export interface Entry
  extends Pick<Command<never>, "path" | "summary" | "description" | "examples"> {
  readonly parser: Parser<"sync", Invocation, unknown>;
}

/** The commands. */
export const program: readonly Entry[] = [
  entry(login),
  entry(logout),
  entry(plan),
  entry(deploy),
  entry(history),
  entry(rollback),
  entry(diff),
  entry(stop),
  entry(start),
  entry(restart),
  entry(remove),
  entry(sync),
  entry(list),
  entry(ps),
  entry(status),
  entry(logs),
  entry(events),
  entry(audit),
  entry(adopt),
  entry(serviceShow),
  entry(serviceEdit),
  entry(serviceExport),
  entry(serviceImport),
  entry(push),
  entry(pull),
  entry(prune),
  entry(nodeList),
  entry(nodeAdd),
  entry(nodeRemove),
  entry(nodeDoctor),
];

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

function entry<Input>(command: Command<Input>): Entry {
  return {
    ...command,
    parser: map(command.parser, (input): Invocation => (context) => command.run(context, input)),
  };
}
