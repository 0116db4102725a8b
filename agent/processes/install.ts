/**
 * `mcp-agent install` — makes a node of this machine, or brings one up to date, as root.
 *
 * Says first what it will do. Run again, it does what is missing, and nothing where nothing is.
 * A changed config is put into force by it: the agent's permissions are root's to write.
 *
 * Grants:
 *   run          package tools, systemd's and shadow's programs, by their absolute paths
 *   read         the accounts, what is installed, the program itself wherever it was copied to
 *   write        units, /usr/local, the node's own folders
 *   net          the agent's own address, to see that it serves; only the config knows it
 *   env          where this program lies and was unpacked
 *   sys          whether this is root
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { withDefault } from "@optique/core/modifiers";
import { isIP } from "node:net";
import { requireName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import { execute, type MadeNode } from "../node/install/execute.ts";
import { gatherFacts } from "../node/install/facts.ts";
import { type NewNode, planInstall } from "../node/install/install_plan.ts";
import { programs } from "../node/install/layout.ts";
import type { Machine } from "../node/install/machine.ts";
import { environmentNames, realMachine } from "../node/install/real_machine.ts";
import { isDone, type Plan, planLines } from "../node/install/steps.ts";
import { migrations } from "../registry/migrations/index.ts";
import { requireAddress } from "./init.ts";
import { jsonFlag, optionalText, type Process, switchFlag, textOption } from "./process.ts";
import { defaultLifetime, requireLifetime } from "./token.ts";

const parser = object({
  nodeName: optionalText(
    "--node-name",
    "NAME",
    "What operators call this node; not needed where there is one",
  ),
  address: optionalText(
    "--address",
    "HOST:PORT",
    "Where operators dial this node; the certificate is made out to it",
  ),
  listen: optionalText(
    "--listen",
    "HOST:PORT",
    "Where the agent listens, if that is not the same; an IP address",
  ),
  lifetime: withDefault(
    textOption("--token-lifetime", "DURATION", "How long the first token is valid"),
    defaultLifetime,
  ),
  dryRun: dryRunFlag(),
  yes: yesFlag(),
  json: jsonFlag(),
});

type InstallInput = InferValue<typeof parser>;

/** What root writes by itself; everything else is done by the programs. */
const written = [
  ...["/etc/systemd/system", "/etc/sysusers.d", "/etc/tmpfiles.d"],
  ...["/srv", "/usr/local", "/var/cache/mcp-agent", "/var/lib/mcp"],
];

/** What installing and uninstalling are allowed. */
export const installGrants: readonly string[] = [
  `--allow-run=${Object.values(programs).join(",")}`,
  "--allow-read",
  `--allow-write=${written.join(",")}`,
  "--allow-net",
  `--allow-env=${environmentNames.join(",")}`,
  "--allow-sys=uid",
];

/** Installs. */
export const install: Process<InstallInput> = {
  path: ["install"],
  summary: "Make a node of this machine, or bring one up to date",
  example: "mcp-agent install --node-name rift --address 100.95.252.120:9444",
  grants: installGrants,
  parser,

  async run(input, print) {
    const node = requireNewNode(input);
    await installOn(await realMachine("install"), { ...input, node }, {
      print,
      confirm: askOnTerminal(),
    });
  },
};

/** How the operator is spoken to. */
export interface Conversation {
  readonly print: (line: string) => void;
  /** Undefined: there is no terminal to ask on. */
  readonly confirm: ((question: string) => boolean) | undefined;
}

/** What is asked of a machine. */
export interface InstallRequest {
  readonly node: NewNode | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Plans, asks and does. */
export async function installOn(
  machine: Machine,
  { node, dryRun, yes, json }: InstallRequest,
  { print, confirm }: Conversation,
): Promise<void> {
  const { program, nodeFiles } = machine;
  if (program === undefined) throw new McpError("internal", "Cannot install what was not built");
  if (!dryRun) requireRoot(machine, "install");
  const plan = planInstall(await gatherFacts(machine), {
    node,
    program,
    nodeFiles,
    schema: migrations.length,
  });
  const say = json ? () => {} : print;
  if (isDone(plan)) {
    if (json) return print(JSON.stringify(toJson(plan, undefined, true)));
    for (const note of plan.notes) say(`note    ${note}`);
    return say("Nothing to do: everything is as it should be");
  }
  // Who has said yes reads what is done, while it is done.
  if (dryRun || !yes) { for (const line of planLines(plan)) say(line); }
  if (dryRun) {
    if (json) return print(JSON.stringify(toJson(plan, undefined, false)));
    say("");
    return say("Nothing was changed");
  }
  // What is printed is one object, and a question would be a part of it.
  requireConsent({ yes, confirm: json ? undefined : confirm, question: "Change this machine so?" });
  for (const note of yes ? plan.notes : []) say(`note    ${note}`);
  let made: MadeNode | undefined;
  const report = (isFinished: boolean) => {
    if (json) return print(JSON.stringify(toJson(plan, made, isFinished)));
    for (const line of ["", ...whatNext(isFinished, made, node)]) print(line);
  };
  try {
    await execute(machine, plan, {
      begun: ({ what, now }) => say(`… ${what}: ${now}`),
      made: (node) => made = node,
    });
  } catch (error) {
    // The token is shown only once, whatever has failed after it was made.
    if (made !== undefined) report(false);
    throw error;
  }
  report(true);
}

function whatNext(
  isFinished: boolean,
  made: MadeNode | undefined,
  node: NewNode | undefined,
): string[] {
  if (made === undefined) {
    return [
      "Done: this node is up to date, and serves",
      ...(node === undefined ? [] : [
        "For another token: setpriv --reuid mcp --regid mcp --init-groups mcp-agent token create",
      ]),
    ];
  }
  return [
    isFinished ? `Done: node ${made.node} serves on ${node?.listen}` : `Node ${made.node} is made`,
    "",
    `Admin token, shown only now, until ${made.tokenExpiresAt}:`,
    `  ${made.token}`,
    "",
    "On the workstation, then paste the token:",
    `  ${made.nodeAdd} && mcp login ${made.node}`,
  ];
}

function toJson(plan: Plan, made: MadeNode | undefined, isFinished: boolean) {
  return {
    plan: plan.actions.map(({ what, why, now, state }) => ({ what, why, now, state })),
    notes: plan.notes,
    done: isFinished,
    ...(made === undefined ? {} : {
      node: made.node,
      token: made.token,
      token_expires_at: made.tokenExpiresAt,
      node_add: made.nodeAdd,
    }),
  };
}

/** What a new node is told, checked before anything is looked at. */
function requireNewNode(
  input: Pick<InstallInput, "nodeName" | "address" | "listen" | "lifetime">,
): NewNode | undefined {
  const { nodeName, address, listen, lifetime } = input;
  if (nodeName === undefined && address === undefined && listen === undefined) return undefined;
  if (nodeName === undefined || address === undefined) {
    throw new McpError("invalid", "Cannot make a node without both its name and its address", {
      hint: "Run `mcp-agent install --node-name rift --address 100.95.252.120:9444`",
    });
  }
  requireLifetime(lifetime);
  const dialled = requireAddress("--address", address);
  const bound = listen === undefined ? dialled : requireAddress("--listen", listen);
  if (isIP(bound.host) === 0) {
    throw new McpError("invalid", `Cannot listen on ${bound.host}: it is no IP address`, {
      hint:
        `Add --listen with the address of the interface, e.g. --listen 100.95.252.120:${bound.port}`,
    });
  }
  return { name: requireName("node", nodeName), address, listen: listen ?? address, lifetime };
}

/** @throws {McpError} `forbidden` */
export function requireRoot({ isRoot }: Machine, verb: string): void {
  if (isRoot) return;
  throw new McpError("forbidden", `Cannot ${verb}: only root may`, {
    hint: `Run it with sudo; add --dry-run to see what it would do`,
  });
}

/** @throws {McpError} `invalid` where nobody can be asked, `conflict` when it was declined. */
export function requireConsent(
  { yes, confirm, question }: {
    readonly yes: boolean;
    readonly confirm: Conversation["confirm"];
    readonly question: string;
  },
): void {
  if (yes) return;
  if (confirm === undefined) {
    throw new McpError("invalid", "Cannot ask whether to go on: this is no terminal", {
      hint: "Add --yes, or --dry-run to see the plan only",
    });
  }
  if (!confirm(question)) {
    throw new McpError("conflict", "Declined, and nothing was changed");
  }
}

/** The terminal's question, where there is one. */
export function askOnTerminal(): Conversation["confirm"] {
  return Deno.stdin.isTerminal() ? (question) => confirm(question) : undefined;
}

/** `--dry-run` */
export function dryRunFlag() {
  return switchFlag("--dry-run", "Print the plan and change nothing");
}

/** `--yes` */
export function yesFlag() {
  return switchFlag("--yes", "Do not ask");
}
