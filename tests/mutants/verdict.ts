/**
 * What came of a broken guard.
 *
 * Pure.
 *
 * @module
 */

import { countTests } from "../junit_counts.ts";

/** What came of one mutant. */
export type Verdict =
  | { readonly kind: "seen"; readonly by: string }
  | { readonly kind: "lives" }
  /** It says nothing: its tests fail without it as well, or did not run with it. */
  | { readonly kind: "void"; readonly why: string };

/** How a run of tests ended. */
export interface TestRun {
  readonly exitCode: number;
  /** As JUnit; empty when there is none. */
  readonly report: string;
  readonly isLate: boolean;
  readonly elapsedMs: number;
}

/** Why the tests say nothing of a mutant, judged by their run without it; undefined = they do. */
export function whyVoid({ exitCode, report, isLate }: TestRun): string | undefined {
  if (isLate) return "its tests do not end without it either";
  const { passed, failed } = countTests(report);
  const [first] = failedTests(report);
  if (first !== undefined) return `its tests fail without it as well: ${first}`;
  if (exitCode !== 0 || failed > 0) return `without it, deno test ends with exit code ${exitCode}`;
  return passed === 0 ? "there is no such test" : undefined;
}

/**
 * What the run with the guard broken says.
 *
 * A test that waits for ever is seen by whoever waits for it. A module that does not load is no
 * test that has failed: then the mutant is no program, and nothing is known.
 */
export function judge({ exitCode, report, isLate }: TestRun): Verdict {
  // Of a test that failed in a step, both are told: the longer name says which step it was.
  const by = failedTests(report).toSorted((one, other) => other.length - one.length)[0];
  if (by !== undefined) return { kind: "seen", by };
  if (isLate) return { kind: "seen", by: "tests that do not end any more" };
  if (exitCode === 0) return { kind: "lives" };
  return { kind: "void", why: `deno test ended with exit code ${exitCode}, and no test failed` };
}

/** Names of the tests that a report tells to have failed. */
function failedTests(report: string): string[] {
  return [...report.matchAll(/<testcase name="([^"]*)"[^>]*>\s*<(?:failure|error)\b/g)]
    .map(([_, name = ""]) => unescape(name));
}

function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}

/** One line of what came of it. */
export function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case "seen":
      return `seen by ${verdict.by}`;
    case "lives":
      return "LIVES";
    case "void":
      return `SAYS NOTHING: ${verdict.why}`;
  }
}
