/**
 * Screens and keyboard: the only place that names `Deno.stdout`, `Deno.stderr` and `Deno.stdin`.
 *
 * @module
 */

/** Somewhere text appears. */
export interface Screen {
  /** False when output is redirected: then there are no colors and no spinners. */
  readonly isTerminal: boolean;
  write(text: string): void;
  /** Writes what is no text, e.g. a file that was asked for. */
  writeBytes(bytes: Uint8Array): void;
  /** Whether the reader has gone, as `head` does; known only once something was written. */
  readonly isClosed: boolean;
}

/** Where input comes from. */
export interface Keyboard {
  /** False when input is redirected: then nothing is asked, only read. */
  readonly isTerminal: boolean;
  /** The next bytes as they arrive; undefined at the end of input. */
  read(): Promise<Uint8Array | undefined>;
  /** Raw: every key at once, nothing echoed, and Ctrl-C is a byte like any other. */
  setRaw(raw: boolean): void;
}

/** The operator's terminal, or what stands in its place. */
export interface Terminal {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly stdin: Keyboard;
  /** Width of the terminal; undefined when there is none. */
  columns(): number | undefined;
}

/** The terminal this process was started from. */
export function realTerminal(): Terminal {
  return {
    stdout: realScreen(Deno.stdout),
    stderr: realScreen(Deno.stderr),
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      async read() {
        const buffer = new Uint8Array(4096);
        const count = await Deno.stdin.read(buffer);
        return count === null ? undefined : buffer.subarray(0, count);
      },
      setRaw: (raw) => Deno.stdin.setRaw(raw),
    },
    columns() {
      try {
        // A terminal that has not been told its size says 0.
        return Deno.consoleSize().columns || undefined;
      } catch {
        // Neither input nor output is a terminal: there is no width.
        return undefined;
      }
    },
  };
}

function realScreen(stream: typeof Deno.stdout): Screen {
  const encoder = new TextEncoder();
  let isClosed = false;
  const writeBytes = (bytes: Uint8Array) => {
    try {
      for (let at = 0; at < bytes.byteLength;) at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      // `mcp ps | head` has seen enough; that is not a failure.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      isClosed = true;
    }
  };
  return {
    isTerminal: stream.isTerminal(),
    write: (text) => writeBytes(encoder.encode(text)),
    writeBytes,
    get isClosed() {
      return isClosed;
    },
  };
}
