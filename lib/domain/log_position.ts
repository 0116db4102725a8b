/**
 * Where a log was left, to go on there later and tell no line twice.
 *
 * Whoever is asked for what came after an instant may tell again what came in it: `podman --remote`
 * knows whole seconds only. So it is counted how much of the last instant was told of each stream.
 *
 * @module
 */

/** A place in a log of several streams. */
export class LogPosition {
  #latest: bigint | undefined;
  /** How many lines of the last instant were told, by their stream. */
  readonly #told = new Map<string, number>();
  /** How many of them are yet to be told again. */
  #repeated = new Map<string, number>();

  /** The instant to ask from; undefined = nothing was told. */
  get since(): bigint | undefined {
    return this.#latest;
  }

  /** The log is read anew, from {@link since} on. */
  resume(): void {
    this.#repeated = new Map(this.#told);
  }

  /** Takes note of a line; whether it was not told before. */
  take(stream: string, at: bigint): boolean {
    if (this.#latest === undefined || at > this.#latest) {
      this.#latest = at;
      this.#told.clear();
      this.#repeated.clear();
    }
    if (at < this.#latest) return true;
    const repeated = this.#repeated.get(stream) ?? 0;
    if (repeated > 0) {
      this.#repeated.set(stream, repeated - 1);
      return false;
    }
    this.#told.set(stream, (this.#told.get(stream) ?? 0) + 1);
    return true;
  }
}
