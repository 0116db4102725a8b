/**
 * A person at a terminal: says the command, runs it, shows what it prints.
 *
 * @module
 */

/** How a command is expected to end, and how it is shown. */
export interface RunOptions {
  /** Written to standard input; shown as `< FILE`, never as itself. */
  readonly input?: { readonly text: string; readonly shownAs: string };
  /** The exit code it must end with; 0 unless said. */
  readonly exitCode?: number;
}

/** What a word that the operator types stands for. */
interface Stand {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs commands as a person would type them. */
export class Operator {
  readonly #programs: Readonly<Record<string, Stand>>;
  readonly #cwd: string;
  readonly #signal: AbortSignal;

  /**
   * @param options.programs What a word stands for, e.g. `mcp` for the CLI run from its source.
   * @param options.signal Ends the command under way.
   */
  constructor(options: {
    readonly programs: Readonly<Record<string, Stand>>;
    readonly cwd: string;
    readonly signal: AbortSignal;
  }) {
    this.#programs = options.programs;
    this.#cwd = options.cwd;
    this.#signal = options.signal;
  }

  /** Says what comes next. */
  say(text: string): void {
    print(`\n# ${text}\n`);
  }

  /** Shows a command that somebody else runs, and goes on running. */
  showInBackground(argv: readonly string[]): void {
    print(`$ ${argv.join(" ")} &\n`);
  }

  /**
   * Runs a command and shows it with its output.
   *
   * @returns What it printed on standard output.
   * @throws When it ends otherwise than expected.
   */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    this.#signal.throwIfAborted();
    const { input, exitCode = 0 } = options;
    print(`$ ${argv.join(" ")}${input === undefined ? "" : ` < ${input.shownAs}`}\n`);
    const [word = "", ...rest] = argv;
    const { argv: [program = word, ...before], env = {} } = this.#programs[word] ??
      { argv: [word] };
    const child = new Deno.Command(program, {
      args: [...before, ...rest],
      cwd: this.#cwd,
      env: { ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(600_000)]),
    }).spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input.text));
      await writer.close();
    }
    const output = await showWhileReading(child.stdout);
    const { code } = await child.status;
    this.#signal.throwIfAborted();
    if (code !== exitCode) {
      throw new Error(`${argv.join(" ")} ended with exit code ${code}, not with ${exitCode}`);
    }
    return output;
  }
}

async function showWhileReading(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    const part = decoder.decode(chunk, { stream: true });
    text += part;
    print(part);
  }
  return text;
}

function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.byteLength;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
