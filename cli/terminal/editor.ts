/**
 * The operator's editor.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Foreground } from "../../lib/system/foreground.ts";
import type { Environment } from "../system.ts";

/**
 * The command line of the editor: EDITOR, else VISUAL, else vi. Words are separated by spaces;
 * no shell reads them.
 *
 * @example
 * ```ts
 * import { deepStrictEqual } from "node:assert/strict";
 * import { editorArgv } from "./editor.ts";
 *
 * deepStrictEqual(editorArgv({ EDITOR: "code --wait" }), ["code", "--wait"]);
 * deepStrictEqual(editorArgv({}), ["vi"]);
 * ```
 */
export function editorArgv({ EDITOR = "", VISUAL = "" }: Environment): readonly string[] {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  return [words(EDITOR), words(VISUAL), ["vi"]].find((argv) => argv.length > 0) ?? [];
}

/**
 * Opens a file in the editor, and waits until it is closed.
 *
 * @throws {McpError} `conflict` when the editor says that it was called off, by its exit code;
 *   as {@link Foreground} when it does not start.
 */
export async function edit(
  { env, foreground }: { readonly env: Environment; readonly foreground: Foreground },
  file: string,
): Promise<void> {
  const argv = editorArgv(env);
  const [program = ""] = argv;
  let exitCode;
  try {
    exitCode = await foreground([...argv, file]);
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    throw new McpError(error.kind, "Cannot open the editor", {
      cause: error,
      hint: error.hint ?? "Set EDITOR to the editor you want",
    });
  }
  if (exitCode === 0) return;
  throw new McpError("conflict", `The editor ${program} ended with exit code ${exitCode}`, {
    hint: "Nothing was changed",
  });
}
