/**
 * `mcp pull` — copies a file out of the folder of a service.
 *
 * Nothing partial is ever left behind: the local file is the old one or the whole
 * new one. What is no regular file is never replaced.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { Buffer } from "node:buffer";
import { basename, dirname } from "node:path";
import { McpError } from "../../lib/errors.ts";
import type { FileContents } from "../../lib/system/files.ts";
import {
  filePath,
  nodeOption,
  serviceArgument,
  textArgument,
  timeoutOption,
} from "../command_line/arguments.ts";
import { command } from "../command.ts";
import { formatBytes } from "../output/bytes.ts";
import { exitCodes } from "../output/exit_code.ts";
import { formatMode, permissionBits, transferTimeoutMs } from "./transfer.ts";

/** The local file that means standard output. */
const standardOutput = "-";

export const pull = command({
  path: ["pull"],
  summary: "Copy a file out of the folder of a service",
  description:
    "The path is relative to /srv/<service>/ on the service's node. The local file is replaced in one step and gets the mode of the one on the node; - is standard output.",
  examples: [
    { line: "mcp pull mcr mcr.toml", effect: "to ./mcr.toml" },
    { line: "mcp pull mcr certs/mcr.pem ./cert.pem", effect: "to another name" },
    { line: "mcp pull mcr mcr.toml - | diff - mcr.toml", effect: "to standard output" },
  ],
  parser: object({
    service: serviceArgument(),
    path: textArgument("PATH", "The file, below the service's folder"),
    file: optional(argument(filePath({ metavar: "LOCAL_FILE" }), {
      description: message`Where to; by default the file's own name in the current folder`,
    })),
    node: nodeOption("The node to copy from"),
    timeoutMs: timeoutOption(transferTimeoutMs),
  }),

  async run({ agents, definitions, files, progress }, input) {
    const { service, path, timeoutMs } = input;
    const file = input.file ?? basename(path);
    const toScreen = file === standardOutput;
    if (!toScreen) await requireReplaceable(files, file);
    const { node } = await definitions.homeOf(service, { timeoutMs, node: input.node });
    const answer = await progress.during(
      () => [`Pulling ${path} from ${node.name}`],
      agents.ask(node, (agent, call) => agent.pullFile({ service, path }, call), { timeoutMs }),
    );
    const source = `/srv/${service}/${path} on ${node.name}`;
    const { content, error } = answer;
    // An agent that says none means the usual one.
    const mode = (answer.mode & permissionBits) || 0o644;
    const success = error === "";
    if (success && !toScreen) await files.writeFile(file, content, { mode });
    const json = {
      service,
      node: node.name,
      path,
      file: toScreen ? null : file,
      bytes: content.byteLength,
      mode: formatMode(mode),
      success,
      error,
      ...(toScreen ? { content_base64: Buffer.from(content).toString("base64") } : {}),
    };
    if (!success) {
      const screen = [[
        [{ text: "failed", tone: "bad" }, `  ${source}: ${error}`] as const,
      ]] as const;
      return { screen, json, exitCode: exitCodes.failed };
    }
    const size = formatBytes(content.byteLength);
    return {
      screen: [[[`Pulled ${source} to ${file} (${size}, mode ${formatMode(mode)})`]]],
      json,
      ...(toScreen ? { bytes: content } : {}),
      exitCode: exitCodes.done,
    };
  },
});

/** Asked before anything moves: replacing a device or a folder is never what is meant. */
async function requireReplaceable(files: FileContents, file: string): Promise<void> {
  const refuse = (why: string, hint: string) =>
    new McpError("invalid", `Cannot write ${file}: ${why}`, { hint });
  const kind = file.endsWith("/") ? "folder" : await files.kind(file);
  if (kind === "folder") throw refuse("it is a folder", "Name the file in it");
  if (kind === "other") throw refuse("it is no regular file", "Pass - for standard output");
  if (await files.kind(dirname(file)) === "folder") return;
  throw new McpError("not_found", `There is no folder ${dirname(file)}`);
}
