/**
 * Questions that are asked at the same time become one question.
 *
 * @module
 */

/**
 * Makes one question of those that are asked while the one before is being answered.
 *
 * @param ask Answers several; what it leaves out has no answer.
 */
export function batched<Key, Answer>(
  ask: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Answer>>,
): (key: Key) => Promise<Answer | undefined> {
  interface Batch {
    readonly keys: Set<Key>;
    readonly answers: Promise<ReadonlyMap<Key, Answer>>;
  }
  let waiting: Batch | undefined;
  let underway: Promise<unknown> = Promise.resolve();
  const begin = (): Batch => {
    const keys = new Set<Key>();
    const answers = underway.then(() => {
      waiting = undefined;
      return ask([...keys]);
    });
    // Whoever asks is told of a failure; the next question is asked all the same.
    underway = answers.catch(() => {});
    return { keys, answers };
  };
  return async (key) => {
    waiting ??= begin();
    const { keys, answers } = waiting;
    keys.add(key);
    return (await answers).get(key);
  };
}
