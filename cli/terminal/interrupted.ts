/**
 * The operator pressed Ctrl-C: neither an outcome nor an error, but an end of its own.
 *
 * @module
 */

/** Ends a command that was called off; its hint says what goes on without it. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly hint: string | undefined;

  constructor(message = "Interrupted", options: { readonly hint?: string } = {}) {
    super(message);
    this.hint = options.hint;
  }
}
