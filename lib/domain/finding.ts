/**
 * What was found out about a node by looking: well, wrong, or not to be seen from there.
 *
 * @module
 */

/** How bad something is; the worst is told first. */
const levels = ["error", "warning", "unknown", "ok"] as const;

/** One of {@link levels}; `unknown` is what could not be looked at, and no judgement. */
export type Level = (typeof levels)[number];

/** One thing that was looked at. Nothing in it is a secret. */
export interface Finding {
  /** What was looked at, e.g. "certificate"; the same on every node and in every version. */
  readonly id: string;
  readonly level: Level;
  /** What was found, with its figure, e.g. "expired 3 days ago (/srv/mcp/certs/cert.pem)". */
  readonly what: string;
  /** What comes of it; empty when nothing does. */
  readonly why: string;
  /** The command that mends it, on the node unless it says otherwise; empty when there is nothing to do. */
  readonly fix: string;
}

/** A finding as a person reads it: a head, whose first part may be coloured, and lines below it. */
interface FindingText {
  readonly level: Level;
  /** The level, padded. */
  readonly label: string;
  readonly head: string;
  readonly more: readonly string[];
}

/** Nothing is to be said against it. */
export function well(id: string, what: string): Finding {
  return { id, level: "ok", what, why: "", fix: "" };
}

/** Something is wrong, and should be mended. */
export function error(id: string, told: Omit<Finding, "id" | "level">): Finding {
  return { id, level: "error", ...told };
}

/** Something is wrong, or soon will be. */
export function warning(id: string, told: Omit<Finding, "id" | "level">): Finding {
  return { id, level: "warning", ...told };
}

/** Whether a word is a level. */
export function isLevel(word: string): word is Level {
  return (levels as readonly string[]).includes(word);
}

/**
 * Whether somebody should do something about a node.
 *
 * What could not be looked at does not count: from a distance something always cannot.
 */
export function needAttention(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === "error" || level === "warning");
}

/** The findings, worst first and otherwise as they were. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) =>
    levels.indexOf(one.level) - levels.indexOf(other.level)
  );
}

/**
 * How many there are of each level, e.g. "1 error, 2 warnings, 14 ok".
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { countFindings, well } from "./finding.ts";
 *
 * const full = { ...well("disk", "2 % free"), level: "error" as const };
 * strictEqual(countFindings([well("linger", "on"), full]), "1 error, 1 ok");
 * ```
 */
export function countFindings(findings: readonly Finding[]): string {
  const parts = levels.flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    if (count === 0) return [];
    const isPlural = count !== 1 && (level === "error" || level === "warning");
    return [`${count} ${level}${isPlural ? "s" : ""}`];
  });
  return parts.length === 0 ? "nothing was looked at" : parts.join(", ");
}

/** All findings for people, worst first, one column each for level and id. */
export function findingTexts(findings: readonly Finding[]): FindingText[] {
  const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const idWidth = width(findings.map(({ id }) => id));
  const levelWidth = width(levels);
  return worstFirst(findings).map(({ id, level, what, why, fix }) => ({
    level,
    label: level.padEnd(levelWidth),
    head: `${id.padEnd(idWidth)}  ${what}`,
    more: [...(why === "" ? [] : [why]), ...(fix === "" ? [] : [`Fix: ${fix}`])],
  }));
}
