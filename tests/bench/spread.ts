/**
 * What a handful of samples says: the middle, and how far apart they are.
 *
 * The median, because one sample that met somebody else's work must not decide; the middle half and the
 * ends, so that a reader sees how much the median is worth.
 *
 * @module
 */

/** Of at least one sample. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  /** The middle half lies between these. */
  readonly low: number;
  readonly high: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
}

/** Describes samples; of none, every figure is NaN. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((one, other) => one - other);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    p95: quantile(sorted, 0.95),
    min: sorted[0] ?? NaN,
    max: sorted.at(-1) ?? NaN,
  };
}

/** Between two samples it lies on the line between them, as most tools have it. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return NaN;
  return below + (above - below) * (position - Math.floor(position));
}
