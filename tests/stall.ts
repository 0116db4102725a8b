/**
 * Tells when a part of the tests goes on no more: not how long it takes is limited, which depends on
 * what else the machine does, but how long it may say nothing.
 *
 * @module
 */

/** Each test says when it begins and when it has ended, and no test takes so long. */
export const stallMs = 900_000;

/** What `deno test` says of a test that takes long, after one minute, two, four and so on. */
const notice = /has been running for over/;

/** How much is kept of a line that has not ended. */
const keptCharacters = 1_000;

/** Listens to what a part prints. */
export class StallWatch implements Disposable {
  readonly #decoder = new TextDecoder();
  readonly #stalled = new AbortController();
  readonly #limitMs: number;
  #timer: ReturnType<typeof setTimeout>;
  #line = "";
  #lastLine = "";

  constructor(limitMs: number = stallMs) {
    this.#limitMs = limitMs;
    this.#timer = this.#arm();
  }

  /** Trips when nothing was printed for too long. */
  get signal(): AbortSignal {
    return this.#stalled.signal;
  }

  /** Takes what was printed. */
  heard(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text.split("\n").some((line) => line.trim() !== "" && !notice.test(line))) {
      clearTimeout(this.#timer);
      this.#timer = this.#arm();
    }
    const lines = `${this.#line}${text}`.split("\n");
    this.#line = (lines.pop() ?? "").slice(-keptCharacters);
    this.#lastLine = lines.findLast((line) => line.trim() !== "") ?? this.#lastLine;
  }

  /** What was printed last: the test that has begun, e.g. "a deploy given no image ... ". */
  get last(): string {
    return this.#line.trim() === "" ? this.#lastLine : this.#line;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #arm(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#stalled.abort(), this.#limitMs);
  }
}
