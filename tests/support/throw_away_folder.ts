/**
 * A folder that lives as long as one test.
 *
 * @module
 */

/** A new, empty folder; `await using` removes it with all that is in it. */
export class ThrowAwayFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<ThrowAwayFolder> {
    // The real path: on some machines the folder for temporary files is itself a link.
    return new ThrowAwayFolder(
      await Deno.realPath(await Deno.makeTempDir({ prefix: "mcp-test-" })),
    );
  }

  /** A path in the folder. */
  at(path: string): string {
    return `${this.path}/${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
