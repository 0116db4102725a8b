/**
 * An {@link Exec} that runs nothing: it answers as scripted, and fails exactly where told.
 *
 * @module
 */

import { McpError } from "../../lib/errors.ts";
import type { Exec, ExecOptions, ExecResult } from "../../lib/system/exec.ts";

/** What becomes of a program: how it ends, an error to throw, or "hang" until aborted. */
export type ScriptedAnswer = Partial<ExecResult> | Error | "hang";

/** One program that was run. */
export interface RecordedRun {
  readonly argv: readonly string[];
  readonly options: ExecOptions;
}

/** Answers by the longest scripted beginning of a command line. */
export class ScriptedExec {
  /** Every program that was run, in order, the failing ones too. */
  readonly runs: RecordedRun[] = [];
  readonly #scripts: { readonly prefix: readonly string[]; readonly answers: ScriptedAnswer[] }[] =
    [];
  readonly #hanging = new Map<string, PromiseWithResolvers<void>>();

  /** To be handed to whoever wants to run programs. */
  readonly exec: Exec = async (argv, options) => {
    this.runs.push({ argv: [...argv], options });
    if (options.signal?.aborted) throw calledOff(argv, options.signal);
    const answer = this.#answerTo(argv);
    if (answer instanceof Error) throw answer;
    if (answer === "hang") return await this.#hang(argv, options.signal);
    return { code: 0, stdout: "", stderr: "", ...answer };
  };

  /** The command lines that were run, each in one line. */
  get lines(): string[] {
    return this.runs.map(({ argv }) => argv.join(" "));
  }

  /**
   * Scripts what happens to command lines that begin like this.
   *
   * @param prefix Whole arguments, e.g. "podman ps", or an array where one holds a space.
   * @param answers One per call; the last one is for all calls after it.
   */
  on(prefix: string | readonly string[], ...answers: readonly ScriptedAnswer[]): this {
    const words = typeof prefix === "string" ? prefix.split(" ") : prefix;
    const same = this.#scripts.findIndex((script) => script.prefix.join("\0") === words.join("\0"));
    if (same >= 0) this.#scripts.splice(same, 1);
    this.#scripts.push({ prefix: words, answers: [...answers] });
    return this;
  }

  /** Resolves when a command line that begins like this hangs. */
  async hanging(prefix: string): Promise<void> {
    await this.#hangingWith(prefix).promise;
  }

  #answerTo(argv: readonly string[]): ScriptedAnswer {
    const script = this.#scripts
      .filter(({ prefix }) => prefix.every((word, at) => argv[at] === word))
      .sort((one, other) => other.prefix.length - one.prefix.length)[0];
    const answer = script && script.answers.length > 1
      ? script.answers.shift()
      : script?.answers[0];
    if (answer === undefined) throw new Error(`Nothing is scripted for: ${argv.join(" ")}`);
    return answer;
  }

  #hang(argv: readonly string[], signal: AbortSignal | undefined): Promise<never> {
    const line = argv.join(" ");
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(calledOff(argv, signal)), { once: true });
      this.#hangingWith(line).resolve();
      for (const [prefix, { resolve }] of this.#hanging) if (line.startsWith(prefix)) resolve();
    });
  }

  #hangingWith(prefix: string): PromiseWithResolvers<void> {
    const known = this.#hanging.get(prefix);
    if (known !== undefined) return known;
    const made = Promise.withResolvers<void>();
    this.#hanging.set(prefix, made);
    return made;
  }
}

function calledOff([program = "", verb = ""]: readonly string[], signal: AbortSignal): McpError {
  return new McpError("unavailable", `Cannot run ${program} ${verb}: it was called off`, {
    cause: signal.reason,
  });
}
