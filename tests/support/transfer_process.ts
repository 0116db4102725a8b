/**
 * Pushes and pulls in a process of its own: with scoped permissions, to be killed, or as somebody
 * who may not read everything.
 *
 * As a program of its own it takes the folder that stands for /srv and a verb: `pull PATH`,
 * `push PATH TEXT`, or `push-for-ever PATH`, which fills one file in turn with many a's and b's, and
 * says "begun" at first and "pushed" each time.
 *
 * @module
 */

import { requireServicePath } from "../../agent/change/service_files/resolve.ts";
import { pullFile, pushFile } from "../../agent/change/service_files/transfer.ts";
import { errorKind, McpError } from "../../lib/errors.ts";
import { realClock } from "../../lib/system/clock.ts";

/** The service of every transfer. */
export const service = "shop";

/** How long the file of `push-for-ever` is. */
export const longBytes = 2_000_000;

/** What one run printed: the text that was read, "pushed", or the kind and the sentences of a refusal. */
export async function transferInProcess(
  root: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<string> {
  const { stdout, stderr, success } = await startTransfer(root, args, prefix).output();
  const text = new TextDecoder().decode(success ? stdout : stderr);
  if (!success) throw new Error(text);
  return text;
}

/** Starts a run with access to the root and nothing else. */
export function startTransfer(
  root: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): Deno.ChildProcess {
  const [program = "", ...rest] = [
    ...prefix,
    Deno.execPath(),
    "run",
    "--no-check",
    "--cached-only",
    "--no-prompt",
    "--ignore-env",
    `--allow-read=${root}`,
    `--allow-write=${root}`,
    import.meta.url,
    root,
    ...args,
  ];
  return new Deno.Command(program, {
    args: rest,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run([root = "", verb = "", path = "", text = ""]: readonly string[]) {
  const options = { serviceRoot: root, ownFolders: [], clock: realClock };
  const target = requireServicePath(service, path);
  if (verb === "pull") return new TextDecoder().decode((await pullFile(target, options)).content);
  const push = (content: Uint8Array) => pushFile(target, { content, mode: 0o640 }, options);
  if (verb === "push") {
    await push(new TextEncoder().encode(text));
    return "pushed";
  }
  const tell = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
  await tell("begun");
  const contents = ["a", "b"].map((letter) => new TextEncoder().encode(letter.repeat(longBytes)));
  for (let round = 0;; round++) {
    await push(contents[round % 2] ?? new Uint8Array());
    await tell("pushed");
  }
}

if (import.meta.main) {
  let told: string;
  try {
    told = await run(Deno.args);
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    told = `${errorKind(error)}: ${error.message} (${error.hint ?? "no hint"})`;
  }
  await Deno.stdout.write(new TextEncoder().encode(told));
}
