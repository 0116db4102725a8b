/**
 * `mcp service export` — writes the agent's copy of a service as a definition file, or as the files of
 * another tool.
 *
 * The operator's file is never overwritten by the way: where it says something
 * else than the node, the differences are told, and `--force` decides.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { McpError } from "../../../lib/errors.ts";
import {
  definitionPath,
  folderPath,
  nodeOption,
  serviceArgument,
  switchFlag,
  timeoutOption,
} from "../../command_line/arguments.ts";
import type { Command, CommandContext, Report } from "../../command.ts";
import type { Definition } from "../../definitions/definition.ts";
import { foreignFormats } from "../../export/exported.ts";
import { exitCodes } from "../../output/exit_code.ts";

const formats = ["definition", ...foreignFormats] as const;

const parser = object({
  service: serviceArgument(),
  format: withDefault(
    option("--format", choice(formats, { metavar: "FORMAT" }), {
      description: message`What is written: a definition unless it is said, kube or quadlet`,
    }),
    "definition",
  ),
  file: optional(option("-f", "--file", definitionPath(), {
    description: message`File to write instead of the one in the services folder`,
  })),
  output: optional(option("-o", "--output", folderPath(), {
    description: message`Folder to write kube or quadlet files into, in place of standard output`,
  })),
  from: optional(option("--from", definitionPath(), {
    description: message`A definition to take for kube or quadlet; then no node is asked`,
  })),
  node: nodeOption("The node whose copy is meant"),
  force: switchFlag("--force", "Overwrite a file that says something else"),
  timeoutMs: timeoutOption(10_000),
});

type Input = InferValue<typeof parser>;

export const serviceExport: Command<Input> = {
  path: ["service", "export"],
  summary: "Write what the node of a service remembers of it as a definition, or for another tool",
  description:
    "Writes the spec that was last pushed by deploy, sync or adopt. A file that says something else is left as it is, unless --force is given; then its comments are lost. With --format: YAML for Kubernetes and `podman kube play`, or quadlets for podman and systemd, on standard output or into a folder. What they cannot say, say in another way, or leave for you to do is told on standard error, and stands at the head of each file. Values of secrets are never written.",
  examples: [
    { line: "mcp service export metacrypt", effect: "into the services folder" },
    { line: "mcp service export metacrypt -f ./metacrypt.toml", effect: "into a file elsewhere" },
    { line: "mcp service export metacrypt --force", effect: "over a file that differs" },
    {
      line: "mcp service export metacrypt --format kube > metacrypt.yaml",
      effect: "for k3s, or `podman kube play`",
    },
    {
      line: "mcp service export metacrypt --format quadlet -o ~/.config/containers/systemd",
      effect: "units for podman 4.4 and later",
    },
  ],
  parser,

  async run(context, input) {
    const { format } = input;
    if (format === "definition") {
      requireNone(input, "output", "from");
      return await exportDefinition(context, input);
    }
    requireNone(input, "file");
    if (input.from !== undefined && input.node !== undefined) {
      throw new McpError("invalid", "Cannot use --from with --node: then no node is asked");
    }
    const { exportFiles } = await import("./export_files.ts");
    return await exportFiles(context, { ...input, format });
  },
};

const options = { file: "-f", output: "-o", from: "--from" } as const;

/** Refuses what means nothing for the format. */
function requireNone(input: Input, ...unwanted: readonly (keyof typeof options)[]): void {
  const said = unwanted.find((name) => input[name] !== undefined);
  if (said === undefined) return;
  throw new McpError("invalid", `Cannot use ${options[said]} with --format ${input.format}`, {
    hint: said === "file"
      ? "Name a folder with -o, or redirect standard output into a file"
      : "It goes with --format kube or --format quadlet",
  });
}

async function exportDefinition(
  { definitions, files }: Pick<CommandContext, "definitions" | "files">,
  { service, file, node, force, timeoutMs }: Input,
): Promise<Report> {
  const { definitionOf, writeDefinition } = await import(
    "../../definitions/write_definition.ts"
  );
  const path = file ?? await definitions.pathOf(service);
  const copy = await definitions.copyOf(service, { node, timeoutMs });
  const definition = definitionOf(service, copy);
  const current = await files.readText(path);
  const compared = current === undefined
    ? undefined
    : await compare({ files, text: current, path, service, theirs: definition });
  const differences = compared?.differences;
  const same = differences?.length === 0;
  if (differences !== undefined && !same && !force) {
    throw wouldOverwrite(path, definition.nodeName, service, differences);
  }
  if (!same) {
    const mode = await files.mode(path) ?? 0o644;
    await files.writeText(path, writeDefinition({ ...definition, ...compared?.kept }), { mode });
  }
  const asOn = `as node "${definition.nodeName}" has it`;
  return {
    screen: [[[same ? `${path} says the same already` : `Wrote ${path}, ${asOn}`]]],
    json: { service, node: definition.nodeName, file: path, changed: !same },
    exitCode: exitCodes.done,
  };
}

/** How a file differs from what the node has. */
interface Compared {
  /** A line each; its mistakes are differences too. */
  readonly differences: readonly string[];
  /** What no node knows, and is kept when the file is written anew: where its secrets come from. */
  readonly kept: Pick<Definition, "sources">;
}

async function compare(
  { files, text, path, service, theirs }: Pick<CommandContext, "files"> & {
    readonly text: string;
    readonly path: string;
    readonly service: string;
    readonly theirs: Definition;
  },
): Promise<Compared> {
  const [{ parseDefinition }, { readEnvFiles }, { differencesBetween }] = await Promise.all([
    import("../../definitions/definition.ts"),
    import("../../definitions/env_files.ts"),
    import("../../definitions/write_definition.ts"),
  ]);
  const expectations = { service, because: "the service to export", nodeNames: undefined };
  try {
    const mine = parseDefinition(text, path, expectations);
    const spec = await readEnvFiles(files, mine);
    const differences = differencesBetween({ ...mine, spec }, theirs).map((
      { where, mine, theirs },
    ) => `${where}: ${mine ?? "nothing"} in the file, ${theirs ?? "nothing"} on the node`);
    // Of variables the node has all, whichever file they came from.
    const kept = mine.sources === undefined ? {} : { sources: { ...mine.sources, envFiles: [] } };
    return { differences, kept };
  } catch (error) {
    if (!(error instanceof McpError) || error.kind !== "invalid") throw error;
    return { differences: error.details, kept: {} };
  }
}

function wouldOverwrite(
  path: string,
  nodeName: string,
  service: string,
  details: readonly string[],
): McpError {
  return new McpError(
    "conflict",
    `Cannot write ${path}: it is there already, and does not say what node "${nodeName}" has`,
    {
      details,
      hint: `\`mcp service export ${service} --force\` overwrites it, -f FILE writes elsewhere`,
    },
  );
}
