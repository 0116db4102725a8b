/**
 * What a run says: tables for people, and the same as JSON with every sample.
 *
 * @module
 */

import { format, type Measure, type Row, type Target, type Verdict } from "./measure.ts";
import { spreadOf } from "./spread.ts";

/** Where and when. */
export interface Circumstances {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly commit: string;
  /** E.g. "processor" → "AMD EPYC, 2 cores". */
  readonly machine: Readonly<Record<string, string>>;
  /** E.g. "podman" → "4.3.1"; what is not there says so. */
  readonly versions: Readonly<Record<string, string>>;
  /** Load averages of 1, 5 and 15 minutes, before and after. */
  readonly loadBefore: readonly number[];
  readonly loadAfter: readonly number[];
  readonly repeat: number;
  readonly idleMinutes: number;
}

/** What came of one measure. */
export interface Measured {
  readonly measure: Pick<Measure, "name" | "question" | "targets">;
  readonly seconds: number;
  readonly rows: readonly Row[];
  /** Why nothing of it was measured. */
  readonly skipped?: string;
  /** What broke. */
  readonly failed?: string;
}

/** A whole run. */
export interface Run {
  readonly circumstances: Circumstances;
  readonly measured: readonly Measured[];
}

/** A target and what became of it. */
export interface Judged {
  readonly name: string;
  readonly target: string;
  readonly verdict: Verdict;
}

/** Judges all targets of a run. */
export function judge({ measured }: Pick<Run, "measured">): Judged[] {
  return measured.flatMap((one) =>
    one.measure.targets.map((target) => ({
      name: one.measure.name,
      target: target.says,
      verdict: verdictOf(one, target),
    }))
  );
}

function verdictOf({ rows, skipped, failed }: Measured, target: Target): Verdict {
  if (failed !== undefined) return { outcome: "not measured", found: "it failed: see below" };
  if (skipped !== undefined) return { outcome: "not measured", found: skipped };
  return target.judge(rows);
}

/** The run as Markdown. */
export function markdown(run: Run): string {
  const { circumstances, measured } = run;
  const lines = [
    "# What it costs, side by side",
    "",
    "Made by `deno task bench`; how to read it: `../README.md`. Every sample is in the JSON beside this.",
    "",
    ...facts(circumstances),
    "",
    "## Targets",
    "",
    ...targetTable(judge(run)),
  ];
  for (const one of measured) lines.push("", ...section(one));
  return `${lines.join("\n")}\n`;
}

/** The targets and what became of them. */
export function targetTable(judged: readonly Judged[]): string[] {
  return table(
    ["measure", "target", "found", ""],
    judged.map(({ name, target, verdict }) => [
      `\`${name}\``,
      target,
      verdict.found,
      verdict.outcome === "met" ? "met" : `**${verdict.outcome}**`,
    ]),
  );
}

function section({ measure, seconds, rows, skipped, failed }: Measured): string[] {
  const head = [`## ${measure.name}`, "", measure.question, ""];
  if (skipped !== undefined) return [...head, `**SKIPPED**: ${skipped}`];
  if (failed !== undefined) return [...head, `**FAILED**: ${failed}`];
  const notes = rows.filter(({ note }) => note !== undefined);
  return [
    ...head,
    ...table(
      ["", "median", "middle half", "min – max", "p95", "n", "beside"],
      rows.map((row) => cells(row, rows)),
    ),
    ...notes.length === 0 ? [] : ["", ...notes.map(({ label, note }) => `- ${label}: ${note}`)],
    "",
    `Took ${seconds.toFixed(0)} s.`,
  ];
}

function cells(row: Row, rows: readonly Row[]): string[] {
  if (row.skipped !== undefined || row.samples.length === 0) {
    return [row.label, `**SKIPPED**: ${row.skipped ?? "no samples"}`, "", "", "", "0", ""];
  }
  const { median, low, high, min, max, p95, count } = spreadOf(row.samples);
  const range = (from: number, to: number) => count === 1 ? "" : `${format(from)} – ${format(to)}`;
  return [
    row.label,
    `${format(median)} ${row.unit}`,
    range(low, high),
    range(min, max),
    count === 1 ? "" : format(p95),
    String(count),
    ratio(row, rows),
  ];
}

/** How many times the other's median, and how much more. */
function ratio(row: Row, rows: readonly Row[]): string {
  const other = rows.find(({ label }) => label === row.beside);
  if (other === undefined || other.samples.length === 0) return "";
  const [mine, its] = [spreadOf(row.samples).median, spreadOf(other.samples).median];
  const difference = mine - its;
  const sign = difference < 0 ? "−" : "+";
  return `${format(mine / its)} × (${sign} ${format(Math.abs(difference))}) ${other.label}`;
}

function facts(circumstances: Circumstances): string[] {
  const { machine, versions, loadBefore, loadAfter, startedAt, endedAt } = circumstances;
  const load = (averages: readonly number[]) => averages.map((one) => one.toFixed(2)).join(" ");
  const pairs = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([name, value]) => `${name} ${value}`).join(" · ");
  return [
    `- ${startedAt} to ${endedAt}, commit ${circumstances.commit}`,
    `- ${pairs(machine)}`,
    `- ${pairs(versions)}`,
    `- load of the machine before: ${load(loadBefore)}; after: ${load(loadAfter)}`,
    `- ${circumstances.repeat} samples of each alternative in turn, after one that is not kept; ` +
    `idle is looked at for ${circumstances.idleMinutes} min`,
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)];
}

/** The run as data. */
export function json(run: Run): string {
  const measured = run.measured.map(({ measure, rows, ...rest }) => ({
    name: measure.name,
    question: measure.question,
    ...rest,
    rows: rows.map((row) => ({ ...row, spread: spreadOf(row.samples) })),
  }));
  const content = { ...run.circumstances, targets: judge(run), measured };
  return `${JSON.stringify(content, null, 2)}\n`;
}
