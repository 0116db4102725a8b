/**
 * How many tests a JUnit report of `deno test` tells of.
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

/** Counts the tests in the text of one report. */
export function countTests(report: string): TestCounts {
  const failed = occurrences(report, /<(failure|error)\b/g);
  const skipped = occurrences(report, /<skipped\b/g);
  return { passed: occurrences(report, /<testcase\b/g) - failed - skipped, failed, skipped };
}

/** The files in which a test has failed, as the report names them. */
export function failedFiles(report: string): string[] {
  return suitesOf(report).filter((suite) => countTests(suite).failed > 0)
    .map((suite) => /name="([^"]*)"/.exec(suite)?.[1] ?? "");
}

/** The report without the tests of these files. */
export function withoutFiles(report: string, files: readonly string[]): string {
  return suitesOf(report)
    .filter((suite) => !files.some((file) => suite.startsWith(`<testsuite name="${file}"`)))
    .join("\n");
}

function suitesOf(report: string): string[] {
  return report.match(/<testsuite [^]*?<\/testsuite>/g) ?? [];
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
