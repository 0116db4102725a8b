/**
 * `mcp service edit` — opens a definition in the operator's editor.
 *
 * A copy beside the file is edited, and takes its place only when it makes sense:
 * no half-written definition is ever in the services folder. What is refused is
 * kept, because it is somebody's work.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { basename, dirname, join } from "node:path";
import { McpError } from "../../../lib/errors.ts";
import { serviceArgument, timeoutOption } from "../../command_line/arguments.ts";
import { command, type CommandContext, type Report } from "../../command.ts";
import type { Definition } from "../../definitions/definition.ts";
import { edit } from "../../terminal/editor.ts";
import { Interrupted } from "../../terminal/interrupted.ts";
import { exitCodes } from "../../output/exit_code.ts";
import { failureLines } from "../../output/failure.ts";
import { renderBlocks, wantsColors } from "../../output/screen.ts";
import { askLine } from "../../terminal/prompt.ts";

/** What the operator starts from. */
interface Draft {
  /** The definition's place. */
  readonly file: string;
  /** What stands there now; undefined: nothing. */
  readonly current: string | undefined;
  /** What the editor shows. */
  readonly text: string;
  readonly mode: number;
}

export const serviceEdit = command({
  path: ["service", "edit"],
  summary: "Open the definition of a service in an editor",
  description:
    "The editor is EDITOR, else VISUAL, else vi. Where there is no definition yet, it starts from what the node of the service remembers. The file is changed only when what was saved makes sense; nothing is sent to a node.",
  examples: [{ line: "mcp service edit metacrypt", effect: "edit, check and save it" }],
  parser: object({ service: serviceArgument(), timeoutMs: timeoutOption(10_000) }),

  async run(context, { service, timeoutMs }) {
    const draft = await draftOf(context, service, timeoutMs);
    const { files, interrupted } = context;
    // Hidden, so that no other command takes it for a definition.
    const copy = join(dirname(draft.file), `.${service}-${crypto.randomUUID().slice(0, 8)}.toml`);
    await files.writeText(copy, draft.text, { mode: draft.mode });
    let edited = draft.text;
    let done = false;
    try {
      for (;;) {
        await edit(context, copy);
        edited = await files.readText(copy) ?? draft.text;
        if (interrupted.aborted) throw new Interrupted();
        const definition = await checked(context, service, draft, edited);
        if (definition === undefined) continue;
        const report = await save(context, service, draft, edited, definition);
        done = true;
        return report;
      }
    } catch (error) {
      const text = await files.readText(copy).catch(() => edited) ?? edited;
      throw done || text === draft.text ? error : await keep(context, draft, text, error);
    } finally {
      await files.remove(copy);
    }
  },
});

async function draftOf(
  { definitions, files }: Pick<CommandContext, "definitions" | "files">,
  service: string,
  timeoutMs: number,
): Promise<Draft> {
  const file = await definitions.pathOf(service);
  const current = await files.readText(file);
  if (current !== undefined) {
    return { file, current, text: current, mode: await files.mode(file) ?? 0o644 };
  }
  const { definitionOf, writeDefinition } = await import("../../definitions/write_definition.ts");
  const copy = await definitions.copyOf(service, { timeoutMs });
  return {
    file,
    current,
    text: writeDefinition(definitionOf(service, copy)),
    mode: 0o644,
  };
}

/**
 * The definition that was saved, or undefined when the operator wants to correct it.
 *
 * @throws {McpError} `invalid` when it has mistakes and stays that way.
 */
async function checked(
  context: CommandContext,
  service: string,
  { file }: Draft,
  text: string,
): Promise<Definition | undefined> {
  const { parseDefinition } = await import("../../definitions/definition.ts");
  const { nodes } = await context.config();
  try {
    return parseDefinition(text, file, {
      service,
      because: "as the file is called",
      nodeNames: nodes.map(({ name }) => name),
    });
  } catch (error) {
    const { env, terminal } = context;
    if (!(error instanceof McpError) || error.kind !== "invalid") throw error;
    if (!terminal.stdin.isTerminal) throw error;
    const colors = wantsColors(terminal.stderr, env);
    terminal.stderr.write(renderBlocks([failureLines(error)], { colors }));
    const answer = await askLine(terminal, "Edit it again? [Y/n] ");
    if (/^n/i.test(answer.trim())) throw error;
    return undefined;
  }
}

async function save(
  { files }: Pick<CommandContext, "files">,
  service: string,
  { file, current, mode }: Draft,
  text: string,
  { nodeName, spec }: Definition,
): Promise<Report> {
  const changed = text !== current;
  if (changed) {
    if (await files.readText(file) !== current) {
      throw new McpError("conflict", `Cannot save ${file}: it was changed in the meantime`);
    }
    await files.writeText(file, text, { mode });
  }
  const next = spec.active ? `mcp deploy ${service}` : "mcp sync";
  return {
    screen: [
      changed
        ? [
          [`Saved ${file}`],
          [{ text: "Next: ", tone: "strong" }, `Run \`${next}\` to tell node "${nodeName}"`],
        ]
        : [[`${file} is unchanged`]],
    ],
    json: { service, node: nodeName, file, changed },
    exitCode: exitCodes.done,
  };
}

/** Keeps what was typed, and says where. */
async function keep(
  { files }: Pick<CommandContext, "files">,
  { file, mode }: Draft,
  text: string,
  reason: unknown,
): Promise<unknown> {
  const kept = join(dirname(file), `${basename(file)}.rejected`);
  await files.writeText(kept, text, { mode });
  const hint = `What you wrote is kept in ${kept}`;
  if (reason instanceof Interrupted) return new Interrupted(reason.message, { hint });
  if (!(reason instanceof McpError)) return reason;
  const { kind, message, details, cause } = reason;
  return new McpError(kind, message, { details, cause, hint });
}
