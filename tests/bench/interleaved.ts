/**
 * Alternatives in turn: A B C, A B C, …, so that each sample of one has a sample of the others beside it.
 *
 * @module
 */

/** Does something once, and says what it took; how long it waited before or after is its own affair. */
export type Sampled = () => Promise<number>;

/**
 * Takes samples of each alternative in turn. A first round is not kept: caches are filled in it.
 *
 * @returns The samples by alternative, in the order they were taken.
 */
export async function interleaved<Name extends string>(
  repeat: number,
  alternatives: Readonly<Record<Name, Sampled>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(alternatives) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = -1; round < repeat; round++) {
    for (const name of names) {
      const taken = await alternatives[name]();
      if (round >= 0) samples[name].push(taken);
    }
  }
  return samples;
}

/** How long something takes, in ms. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}
