/**
 * From callbacks to a loop: what is handed in, in its order.
 *
 * @module
 */

/** Values from many hands. It keeps what is not read: for streams that have few. */
export class Queue<Value> {
  readonly #waiting: Value[] = [];
  #closed = false;
  #failure: unknown;
  #wake = Promise.withResolvers<void>();

  push(value: Value): void {
    this.#waiting.push(value);
    this.#wake.resolve();
  }

  /** Nothing more comes; what is there is still read, and then the failure thrown. */
  close(failure?: unknown): void {
    this.#closed = true;
    this.#failure = failure;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        yield next;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) return;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
  }
}
