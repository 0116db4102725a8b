/**
 * `mcp push` — copies a local file into the folder of a service.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { basename } from "node:path";
import { maxFileBytes } from "../../lib/domain/file_size.ts";
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

export const push = command({
  path: ["push"],
  summary: "Copy a local file into the folder of a service",
  description:
    "The path is relative to /srv/<service>/ on the service's node; folders on the way are made, and the file takes its place in one step with the mode of the local one. At most 4 MiB.",
  examples: [
    { line: "mcp push mcr.toml mcr", effect: "to /srv/mcr/mcr.toml" },
    { line: "mcp push cert.pem mcr certs/mcr.pem", effect: "to /srv/mcr/certs/mcr.pem" },
    { line: "mcp push cert.pem mcr certs/", effect: "to /srv/mcr/certs/cert.pem" },
  ],
  parser: object({
    file: argument(filePath({ metavar: "LOCAL_FILE" }), { description: message`File to copy` }),
    service: serviceArgument(),
    path: optional(
      textArgument("PATH", "Where to, below the service's folder; by default the file's own name"),
    ),
    node: nodeOption("The node to copy to"),
    timeoutMs: timeoutOption(transferTimeoutMs),
  }),

  async run({ agents, definitions, files, progress }, input) {
    const { file, service, timeoutMs } = input;
    const { content, mode } = await readLocal(files, file);
    const path = remotePath(file, input.path);
    const { node } = await definitions.homeOf(service, { timeoutMs, node: input.node });
    const size = formatBytes(content.byteLength);
    const { success, error } = await progress.during(
      () => [`Pushing ${file} (${size}) to ${node.name}`],
      agents.ask(
        node,
        (agent, call) => agent.pushFile({ service, path, content, mode }, call),
        { timeoutMs },
      ),
    );
    const target = `/srv/${service}/${path} on ${node.name}`;
    return {
      screen: [[
        success
          ? [`Pushed ${file} to ${target} (${size}, mode ${formatMode(mode)})`]
          : [{ text: "failed", tone: "bad" }, `  ${target}: ${error}`],
      ]],
      json: {
        service,
        node: node.name,
        path,
        file,
        bytes: content.byteLength,
        mode: formatMode(mode),
        success,
        error,
      },
      exitCode: success ? exitCodes.done : exitCodes.failed,
    };
  },
});

async function readLocal(files: FileContents, file: string) {
  const local = await files.readFile(file, { maxBytes: maxFileBytes });
  if (local === undefined) throw new McpError("not_found", `There is no file ${file}`);
  return { content: local.content, mode: local.mode & permissionBits };
}

/** A path that ends in a slash names the folder, as with `cp`. */
function remotePath(file: string, path: string | undefined): string {
  if (path === undefined) return basename(file);
  return path.endsWith("/") ? `${path}${basename(file)}` : path;
}
