/**
 * `mcp service import` — writes a definition that asks for what a Compose file or quadlets ask for.
 *
 * What cannot be expressed is told field by field, with where it stands and what to do about it. No
 * node is asked, and nothing of the shell's own variables is used: the same files give the same
 * definition everywhere.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { basename, dirname, resolve } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import {
  filePath,
  nodeOption,
  serviceName,
  switchFlag,
  textOption,
} from "../../command_line/arguments.ts";
import type { Command, CommandContext, Report } from "../../command.ts";
import { requireNode } from "../../settings/nodes.ts";
import { exitCodes } from "../../output/exit_code.ts";
import { renderBlocks, wantsColors } from "../../output/screen.ts";

const parser = object({
  files: multiple(
    argument(filePath({ extensions: [".yaml", ".yml", ".container", ".volume", ".network"] }), {
      description: message`A Compose file, or .container files with their .volume and .network`,
    }),
    { min: 1 },
  ),
  node: nodeOption("The node it is to run on; needless where there is one"),
  name: optional(option("--name", serviceName(), {
    description: message`What the service is called, in place of the project's name`,
  })),
  envFiles: multiple(option("--env-file", filePath(), {
    description: message`Variables of a Compose file, in place of the .env beside it`,
  })),
  profiles: multiple(
    textOption("--profile", "PROFILE", "With the services of this profile; * means all"),
  ),
  stdout: switchFlag("--stdout", "Print the definition, and tell the rest on standard error"),
  force: switchFlag("--force", "Overwrite a definition that says something else"),
});

type Input = InferValue<typeof parser>;

export const serviceImport: Command<Input> = {
  path: ["service", "import"],
  summary: "Write a definition from a Compose file or from quadlets",
  description:
    "Tells field by field what a definition cannot say, what was changed on the way, and what is left for you to do. Variables of a Compose file come from the .env file beside it, never from the shell. A definition that is there already is left as it is, unless --force is given; then its comments are lost.",
  examples: [
    { line: "mcp service import compose.yaml", effect: "into the services folder" },
    { line: "mcp service import compose.yaml --stdout", effect: "show it, write nothing" },
    {
      line: "mcp service import web.container db.container --name shop --node rift",
      effect: "one service of two quadlets",
    },
  ],
  parser,

  async run(context, input) {
    const { decideWith, Sources } = await import("../../import/sources.ts");
    const { importService } = await import("../../import/import.ts");
    const { countNotes, noteJson, reportBlocks } = await import("../../import/report.ts");
    const { files, terminal, env } = context;
    const { node, nodeNames } = await nodeFor(context, input);
    const [first = ""] = input.files;
    const { spec, sources: elsewhere, notes, holdsSecrets } = await decideWith(
      new Sources(),
      async (path) => await readSource(files, path),
      (sources) =>
        importService(sources, {
          ...input,
          folder: resolve("."),
          folderName: basename(dirname(resolve(first))),
        }),
    );

    const { writeDefinition } = await import("../../definitions/write_definition.ts");
    const { parseDefinition } = await import("../../definitions/definition.ts");
    const text = writeDefinition({
      nodeName: node,
      spec,
      ...(elsewhere && { sources: elsewhere }),
    });
    // What is written is what every other command will read.
    parseDefinition(text, `${spec.name}.toml`, {
      service: spec.name,
      because: "the service that is imported",
      nodeNames,
    });

    const file = input.stdout ? undefined : await context.definitions.pathOf(spec.name);
    const changed = file !== undefined && await write(context, file, text, {
      force: input.force,
      mode: holdsSecrets ? 0o600 : 0o644,
    });
    const names = spec.components.map(({ name }) => name);
    const told = reportBlocks(notes, names);
    const components = names.length === 1 ? "1 component" : `${names.length} components`;
    const summary = `${components} of ${first}: ${countNotes(notes)}`;
    if (input.stdout) {
      const colors = wantsColors(terminal.stderr, env);
      terminal.stderr.write(renderBlocks([[[summary]], ...told], { colors }));
    }
    return {
      screen: [
        [[`${changed ? "Wrote" : "Unchanged:"} ${file}, ${summary}`]],
        ...told,
        [[{ text: "Next: ", tone: "strong" }, `Read it, then run \`mcp deploy ${spec.name}\``]],
      ],
      ...(input.stdout ? { bytes: new TextEncoder().encode(text) } : {}),
      json: {
        service: spec.name,
        node,
        file: file ?? null,
        changed,
        components: names,
        notes: notes.map(noteJson),
        definition: text,
      },
      exitCode: exitCodes.done,
    } satisfies Report;
  },
};

/** The node it is for. Without any config, `--stdout` takes whatever --node says. */
async function nodeFor(
  { config }: Pick<CommandContext, "config">,
  { node, stdout }: Input,
): Promise<{ readonly node: string; readonly nodeNames: readonly string[] | undefined }> {
  const known = await config().then(({ nodes }) => nodes, (error: unknown) => {
    const isAbsent = error instanceof McpError && error.kind === "not_found";
    if (isAbsent && stdout && node !== undefined) return undefined;
    throw error;
  });
  if (known === undefined) return { node: node ?? "", nodeNames: undefined };
  const nodeNames = known.map(({ name }) => name);
  if (node !== undefined) return { node: requireNode(known, node).name, nodeNames };
  const [only, ...others] = nodeNames;
  if (only === undefined || others.length > 0) {
    throw new McpError("invalid", "Cannot tell which node the service is to run on", {
      hint: only === undefined
        ? "Run `mcp node add` first"
        : `Say it with --node: ${nodeNames.join(", ")}`,
    });
  }
  return { node: only, nodeNames };
}

/** A file to import; undefined when there is none. */
async function readSource(
  files: CommandContext["files"],
  path: string,
): Promise<string | undefined> {
  const { maxSourceBytes } = await import("../../import/sources.ts");
  const read = await files.readFile(path, { maxBytes: maxSourceBytes });
  if (read === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(read.content);
  } catch (error) {
    throw new McpError("invalid", `Cannot read ${path}: it is no text in UTF-8`, { cause: error });
  }
}

/** Writes the definition; whether there was anything to write. */
async function write(
  { files }: Pick<CommandContext, "files">,
  path: string,
  text: string,
  { force, mode }: { readonly force: boolean; readonly mode: number },
): Promise<boolean> {
  const current = await files.readText(path);
  if (current === text) return false;
  if (current !== undefined && !force) {
    throw new McpError("conflict", `Cannot write ${path}: it is there, and says something else`, {
      hint: "--force overwrites it, --stdout only shows, --name SERVICE writes another",
    });
  }
  await files.writeText(path, text, { mode: await files.mode(path) ?? mode });
  return true;
}
