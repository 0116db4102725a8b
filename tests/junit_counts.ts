/**
 * How many tests a JUnit report of `deno test` tells of, and how long they took.
 *
 * Counts elements; it does not understand XML. That is enough, because Deno escapes every `<` that
 * comes from a test's name or output. Steps count as tests of their own, as they do for Deno.
 *
 * @module
 */

/** What became of the tests of one or more parts. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const noTests: TestCounts = { passed: 0, failed: 0, skipped: 0 };

/** One test that failed, where there is no report to say so. */
export const oneFailed: TestCounts = { ...noTests, failed: 1 };

/** What came of a part of the tests, or of many. */
export interface Outcome {
  readonly counts: TestCounts;
  readonly times: readonly TestTime[];
}

/** Several as one. */
export function addOutcomes(...outcomes: readonly Outcome[]): Outcome {
  return {
    counts: outcomes.map(({ counts }) => counts).reduce(addCounts, noTests),
    times: outcomes.flatMap(({ times }) => times),
  };
}

/** Counts the tests in the text of one report. */
export function countTests(report: string): TestCounts {
  const failed = occurrences(report, /<(failure|error)\b/g);
  const skipped = occurrences(report, /<skipped\b/g);
  return { passed: occurrences(report, /<testcase\b/g) - failed - skipped, failed, skipped };
}

/** How long one test took. */
export interface TestTime {
  readonly seconds: number;
  /** Of its file, e.g. "./tests/component/rpc_test.ts". */
  readonly file: string;
  readonly name: string;
}

/** How long each test of a report took, with its steps, which are not told by themselves. */
export function testTimes(report: string): TestTime[] {
  const tests = [...report.matchAll(/<testcase name="([^"]*)" classname="([^"]*)" time="([^"]*)"/g)]
    .map(([, name = "", file = "", seconds]): TestTime => ({
      seconds: Number(seconds),
      file,
      name,
    }));
  const whole = new Set(tests.map(({ file, name }) => `${file} ${name}`));
  return tests
    .filter(({ file, name }) =>
      !whole.has(`${file} ${name.split(" &gt; ").slice(0, -1).join(" &gt; ")}`)
    )
    .map((test) => ({ ...test, name: unescaped(test.name) }));
}

/** The tests that took longest, longest first. */
export function slowest(tests: readonly TestTime[], count: number): TestTime[] {
  return tests.toSorted((one, other) => other.seconds - one.seconds).slice(0, count);
}

function unescaped(text: string): string {
  const signs: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(lt|gt|quot|apos);/g, (_, name) => signs[name] ?? "")
    .replaceAll("&amp;", "&");
}

export function addCounts(one: TestCounts, other: TestCounts): TestCounts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

/** `12 passed, 0 failed`, and how many were skipped if any were. */
export function formatCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

function occurrences(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
