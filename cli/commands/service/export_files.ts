/**
 * Exporting a service to another tool: where its spec comes from, and where the files go.
 *
 * @module
 */

import { join } from "node:path";
import type { ServiceSpec } from "../../../lib/domain/service_spec.ts";
import { McpError } from "../../../lib/errors.ts";
import type { CommandContext, Report } from "../../command.ts";
import type { Exported, ExportedFile, ForeignFormat, Note } from "../../export/exported.ts";
import { secretsAmong } from "../../definitions/secret_variables.ts";
import { exportService } from "../../export/export.ts";
import { quadletsText } from "../../export/quadlet/quadlets_text.ts";
import { exitCodes } from "../../output/exit_code.ts";
import { countFates, fateBlocks } from "../../output/fates.ts";
import type { JsonObject } from "../../output/json.ts";
import { type Block, renderBlocks, wantsColors } from "../../output/screen.ts";

/** What is exported, and where to. */
interface ExportRequest {
  readonly service: string;
  readonly format: ForeignFormat;
  /** A definition to take; undefined: what a node has. */
  readonly from: string | undefined;
  /** The folder to write into; undefined: standard output. */
  readonly output: string | undefined;
  readonly node: string | undefined;
  readonly force: boolean;
  readonly timeoutMs: number;
}

/** A spec, and who has it. */
interface Taken {
  readonly spec: ServiceSpec;
  /** Undefined: nobody was asked. */
  readonly nodeName: string | undefined;
}

/**
 * Writes the files.
 *
 * @throws {McpError} `conflict` when a file is there that says something else, and then none is written.
 */
export async function exportFiles(
  context: CommandContext,
  request: ExportRequest,
): Promise<Report> {
  const { service, format, output } = request;
  const { spec, nodeName } = request.from === undefined
    ? await fromNode(context, request)
    : await fromFile(context, service, request.from);
  const exported = exportService(spec, format);
  const names = spec.components.map(({ name }) => name);
  const told = fateBlocks(exported.notes.map((note) => ({ ...note, where: note.key })), names);
  const of = nodeName === undefined ? `${request.from}` : `node "${nodeName}"`;
  const summary = `${service} of ${of} as ${format}: ${countFates(exported.notes)}`;
  const written = output === undefined ? [] : await writeFiles(context, exported.files, {
    folder: output,
    service,
    force: request.force,
    // Whoever may read a definition may read its variables; elsewhere nobody has decided that.
    mode: spec.components.some(({ env }) => secretsAmong(env).length > 0) ? 0o600 : 0o644,
  });
  if (output === undefined) tell(context, [[[summary]], ...told]);
  return {
    screen: [
      written.map(({ path, changed }) => [changed ? `Wrote ${path}` : `Unchanged: ${path}`]),
      [[summary]],
      ...told,
    ],
    ...(output === undefined ? { bytes: new TextEncoder().encode(allOf(format, exported)) } : {}),
    json: {
      service,
      node: nodeName ?? null,
      format,
      files: exported.files.map(({ name, text }, at) => ({
        name,
        path: written[at]?.path ?? null,
        changed: written[at]?.changed ?? false,
        text,
      })),
      notes: exported.notes.map(noteJson),
    },
    exitCode: exitCodes.done,
  };
}

async function fromNode(
  { definitions }: Pick<CommandContext, "definitions">,
  { service, node, timeoutMs }: ExportRequest,
): Promise<Taken> {
  const { definitionOf } = await import("../../definitions/write_definition.ts");
  return definitionOf(service, await definitions.copyOf(service, { node, timeoutMs }));
}

async function fromFile(
  { files }: Pick<CommandContext, "files">,
  service: string,
  path: string,
): Promise<Taken> {
  const [{ parseDefinition }, { readEnvFiles }] = await Promise.all([
    import("../../definitions/definition.ts"),
    import("../../definitions/env_files.ts"),
  ]);
  const text = await files.readText(path);
  if (text === undefined) throw new McpError("not_found", `There is no file ${path}`);
  const definition = parseDefinition(text, path, {
    service,
    because: "the service to export",
    nodeNames: undefined,
  });
  return { spec: await readEnvFiles(files, definition), nodeName: undefined };
}

/** What went into a file. */
interface Written {
  readonly path: string;
  readonly changed: boolean;
}

/** All are compared before the first is written. */
async function writeFiles(
  { files }: Pick<CommandContext, "files">,
  exported: readonly ExportedFile[],
  { folder, service, force, mode }: {
    readonly folder: string;
    readonly service: string;
    readonly force: boolean;
    readonly mode: number;
  },
): Promise<readonly Written[]> {
  const compared = await Promise.all(exported.map(async ({ name, text }) => {
    const path = join(folder, name);
    const current = await files.readText(path);
    return { path, text, isThere: current !== undefined, changed: current !== text };
  }));
  const others = compared.filter(({ isThere, changed }) => isThere && changed);
  if (others.length > 0 && !force) {
    throw new McpError("conflict", `Cannot export "${service}" to ${folder}: files differ there`, {
      details: others.map(({ path }) => `${path} says something else`),
      hint: "--force overwrites them, -o DIR writes elsewhere",
    });
  }
  for (const { path, text, changed } of compared) {
    if (changed) await files.writeText(path, text, { mode: await files.mode(path) ?? mode });
  }
  return compared;
}

/** On standard error, where standard output is the export itself. */
function tell(
  { terminal, env }: Pick<CommandContext, "terminal" | "env">,
  blocks: readonly Block[],
): void {
  terminal.stderr.write(renderBlocks(blocks, { colors: wantsColors(terminal.stderr, env) }));
}

function allOf(format: ForeignFormat, { files }: Exported): string {
  return format === "quadlet" ? quadletsText(files) : files.map(({ text }) => text).join("");
}

function noteJson({ fate, component, key, what, todo }: Note): JsonObject {
  return { component: component ?? null, fate: fate.replace(" ", "_"), key, what, todo };
}
