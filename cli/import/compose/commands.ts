/**
 * `command` and `entrypoint`: words, or a line that is taken apart as a shell would.
 *
 * @module
 */

import { shellWords } from "../shell_words.ts";
import { isNull, type Place } from "./place.ts";
import type { Field } from "./project.ts";

/** `command` and `entrypoint` */
export function readCommand(field: "cmd" | "entrypoint") {
  return (context: Field): void => {
    const { draft, place } = context;
    if (isNull(place.value)) return;
    const words = wordsOf(context, place);
    if (words === undefined) return;
    if (words.length === 0) {
      const what = field === "cmd" ? "command" : "entrypoint";
      return draft.leftOut(
        place.origin,
        `an empty ${what} in place of the image's own`,
        `Write the whole command line into \`${field === "cmd" ? "entrypoint" : "cmd"}\``,
      );
    }
    draft.put(field, words, place.origin);
  };
}

/** A command line in either form; undefined when it is written wrongly. */
function wordsOf({ project, draft }: Field, place: Place): readonly string[] | undefined {
  const { reader } = project;
  if (place.value.kind !== "scalar") return reader.texts(place).map(({ text }) => text);
  const line = reader.text(place);
  if (line === undefined) return undefined;
  const result = shellWords(line);
  if ("error" in result) {
    draft.mistake(place.origin, result.error);
    return undefined;
  }
  if (result.operators.length > 0) {
    draft.needs(
      place.origin,
      `no shell reads this: ${result.operators.join(" ")} is an argument like any other`,
      'If a shell is meant, write ["/bin/sh", "-c", "…"]',
    );
  }
  return result.words;
}
