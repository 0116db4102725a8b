/**
 * What a measure is: a question, what its answer must reach, and a way to find out.
 *
 * A measure is a file of `measures/`, named after its measure, that exports it as `measure`. It runs
 * in a process of its own, so that none begins with what another has left in memory, and gives rows
 * of samples. What the samples say, and whether a target is met, is decided by pure functions here
 * and in `spread.ts`; nothing that is measured fails anything.
 *
 * Alternatives are measured in turn, sample by sample (`interleaved.ts`): what loads the machine then
 * loads all of them.
 *
 * @module
 */

import { spreadOf } from "./spread.ts";

/** One measure. */
export interface Measure {
  /** As its file is called, and as `deno task bench NAME` takes it. */
  readonly name: string;
  /** What is asked, in a sentence. */
  readonly question: string;
  /** What was promised of it; none where figures are only reported. */
  readonly targets: readonly Target[];
  /**
   * Where it can run: `nothing` is any machine with Deno, as whoever runs the bench; `sandbox` is where
   * rootless podman works (`deploy/sandbox`), without the network and on a tree that is read-only.
   */
  readonly needs: "nothing" | "sandbox";
  /**
   * What is made ready for it: `programs` are `mcp` and `mcp-agent`, built from this tree; `docker` is a
   * dockerd that runs as root, outside of the sandbox. Where there is no dockerd the measure runs all
   * the same, and skips those rows.
   */
  readonly uses?: readonly ("programs" | "docker")[];
  /** For its process, e.g. `--jitless`, as the agent runs on a node, or `--expose-gc`. */
  readonly v8Flags?: readonly string[];
  /** After this it is ended, and reported as skipped. */
  readonly withinMinutes: number;
  /** @throws {CannotMeasure} What keeps it from being measured here. */
  run(bench: Bench): Promise<readonly Row[]>;
}

/** What a measure is given. */
export interface Bench {
  /** How many samples each alternative shall have; a measure may take more, never fewer. */
  readonly repeat: number;
  /** For how long something that does nothing is looked at. */
  readonly idleMinutes: number;
  /** Where it is asked for: a dockerd, or why there is none. */
  readonly docker: DockerPeer | { readonly skipped: string };
  /** Where they are asked for: the folder with the built `mcp` and `mcp-agent`; else empty. */
  readonly programs: string;
  /**
   * The folder with `mcp` and `mcp-agent` of an earlier build, to be measured in the same run; undefined
   * when none was named.
   */
  readonly beside?: string | undefined;
  /** A line for whoever waits. */
  tell(line: string): void;
}

/** A dockerd, as a measure sees it. */
export interface DockerPeer {
  /** Path of the `docker` program. */
  readonly program: string;
  /** Path of its socket. */
  readonly socket: string;
  /** Its processes, as JSON of `ProcessUsage` by name, written anew every second. */
  readonly usageFile: string;
}

/** What is counted. Times of whole operations are in ms, however long. */
export type Unit = "ms" | "MB" | "% of a core" | "per minute" | "per second" | "count";

/** Samples of one alternative, or why there are none. */
export interface Row {
  /** Unique within the measure, e.g. "podman ps --format json". */
  readonly label: string;
  readonly unit: Unit;
  /** In the order they were taken. */
  readonly samples: readonly number[];
  /** The label of the row that it stands beside; the report shows the ratio of the two medians. */
  readonly beside?: string;
  /** What one must know to read the figures, in a sentence. */
  readonly note?: string;
  /** Why there are no samples. */
  readonly skipped?: string;
}

/** What must be reached. */
export interface Target {
  /** As the table shows it, e.g. "≤ 1.2 × by hand". */
  readonly says: string;
  /** Pure: decides by the rows and nothing else. */
  judge(rows: readonly Row[]): Verdict;
}

/** What became of a target. */
export interface Verdict {
  readonly outcome: "met" | "missed" | "not measured";
  /** The figure that decided, e.g. "1.08 ×", or why there is none. */
  readonly found: string;
}

/** Thrown by a measure that finds that it cannot be run here. */
export class CannotMeasure extends Error {
  override readonly name = "CannotMeasure";
}

/** A row without samples. */
export function skippedRow(label: string, unit: Unit, why: string): Row {
  return { label, unit, samples: [], skipped: why };
}

/** Which figure of a row a target is about. */
export type Figure = "median" | "p95" | "max";

/** Met where the figure of one row is at most so many times that of another. */
export function atMostTimes(
  limit: number,
  label: string,
  other: string,
  figure: Figure = "median",
): Target {
  return {
    says: `${label} ≤ ${limit} × ${other}`,
    judge: (rows) =>
      judgeFigures(rows, figure, [label, other], ([one = NaN, two = NaN]) => ({
        isMet: one <= limit * two,
        found: `${(one / two).toFixed(2)} ×`,
      })),
  };
}

/** Met where one row is at least so many times faster, or larger, than another. */
export function atLeastTimes(limit: number, slow: string, fast: string): Target {
  return {
    says: `${fast} ≥ ${limit} × faster than ${slow}`,
    judge: (rows) =>
      judgeFigures(rows, "median", [slow, fast], ([one = NaN, two = NaN]) => ({
        isMet: one >= limit * two,
        found: `${(one / two).toFixed(2)} ×`,
      })),
  };
}

/** Met where the figure is at most so much, in the row's unit, above that of `above` if there is one. */
export function atMost(
  limit: number,
  label: string,
  options: { readonly figure?: Figure; readonly above?: string } = {},
): Target {
  const { figure = "median", above } = options;
  const name = figure === "median" ? label : `${figure} of ${label}`;
  return {
    says: above === undefined ? `${name} ≤ ${limit}` : `${name} ≤ ${above} + ${limit}`,
    judge: (rows) =>
      judgeFigures(
        rows,
        figure,
        above === undefined ? [label] : [label, above],
        ([one = NaN, two = 0], unit) => ({
          isMet: one - two <= limit,
          found: `${above === undefined ? "" : "+ "}${format(one - two)} ${unit}`,
        }),
      ),
  };
}

/** Met where each sample of a row is exactly this, e.g. a count of calls. */
export function always(expected: number, label: string): Target {
  return {
    says: `${label} = ${expected}`,
    judge(rows) {
      const { samples = [] } = rows.find((row) => row.label === label) ?? {};
      if (samples.length === 0) return { outcome: "not measured", found: whyNone(rows, label) };
      const isMet = samples.every((sample) => sample === expected);
      return {
        outcome: isMet ? "met" : "missed",
        found: [...new Set(samples)].map(format).join(", "),
      };
    },
  };
}

function judgeFigures(
  rows: readonly Row[],
  figure: Figure,
  labels: readonly string[],
  decide: (figures: readonly number[], unit: Unit) => { isMet: boolean; found: string },
): Verdict {
  const figures: number[] = [];
  let unit: Unit = "count";
  for (const label of labels) {
    const row = rows.find((row) => row.label === label);
    if (row === undefined || row.samples.length === 0) {
      return { outcome: "not measured", found: whyNone(rows, label) };
    }
    if (figures.length === 0) unit = row.unit;
    figures.push(spreadOf(row.samples)[figure]);
  }
  const { isMet, found } = decide(figures, unit);
  return { outcome: isMet ? "met" : "missed", found };
}

function whyNone(rows: readonly Row[], label: string): string {
  return rows.find((row) => row.label === label)?.skipped ?? `there is no "${label}"`;
}

/** Three digits are as much as any of this is worth. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
