/**
 * A guard that is broken on purpose, to see whether a test sees it.
 *
 * Pure.
 *
 * @module
 */

/** One guard, and how it is broken. */
export interface Mutant {
  /** Words with dashes; unique. */
  readonly name: string;
  /** What holds as long as it is not broken, in one sentence. */
  readonly guard: string;
  /** Path in the repository. */
  readonly file: string;
  /** Text that the file holds once. */
  readonly find: string;
  /** What takes its place. */
  readonly put: string;
  /** What should see it. */
  readonly tests: TestSet;
}

/** What `deno test` is given. */
export interface TestSet {
  readonly paths: readonly string[];
  /** A part of titles, or a pattern between slashes; all tests of the files unless it is said. */
  readonly filter?: string;
}

/**
 * The file's text with its guard broken.
 *
 * @throws {Error} When the text to replace is not there exactly once, or nothing would change.
 */
export function broken(text: string, { name, file, find, put }: Mutant): string {
  const parts = text.split(find);
  if (find === "" || parts.length !== 2) {
    const count = find === "" ? "no text" : `it ${parts.length - 1} times, not once`;
    throw new Error(
      `The mutant ${name} does not apply: ${file} holds ${count}: ${JSON.stringify(find)}. ` +
        "Say anew in tests/mutants/guards what is to be replaced",
    );
  }
  if (find === put) throw new Error(`The mutant ${name} does not apply: it changes nothing`);
  return parts.join(put);
}

/** The arguments that run a set of tests, up to its first failure. */
export function testArgs({ paths, filter }: TestSet, report: string): string[] {
  return [
    ...["test", "--no-check", "--no-prompt", "--allow-all", "--fail-fast"],
    `--junit-path=${report}`,
    ...(filter === undefined ? [] : [`--filter=${filter}`]),
    ...paths,
  ];
}
