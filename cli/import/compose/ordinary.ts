/**
 * Fields of a service that say what one field of a component holds, by the type of that.
 *
 * @module
 */

import {
  type FieldName,
  type FieldOf,
  rowOf,
  type TypeWith,
} from "../../../lib/domain/component_fields.ts";
import { goDurationMs, pushOnce, putMemory, putText } from "../values.ts";
import { isNull, type Place } from "./place.ts";
import type { Field } from "./project.ts";

const readers: {
  readonly [Type in TypeWith<"compose">]: (name: FieldOf<Type>, field: Field) => void;
} = {
  text(name, { project: { reader }, draft, place }) {
    const text = reader.text(place);
    if (text !== undefined) putText(draft, name, text, place.origin);
  },
  memory(name, { project: { reader }, draft, place }) {
    const text = reader.text(place);
    // Both are no limit.
    if (text !== undefined && !["", "0"].includes(text)) putMemory(draft, name, text, place.origin);
  },
  number(name, { project: { reader }, draft, place }) {
    const number = reader.number(place);
    if (number !== undefined) draft.put(name, number, place.origin);
  },
  flag(name, { project: { reader }, draft, place }) {
    if (reader.flag(place) === true) draft.put(name, true, place.origin);
  },
  duration(name, field) {
    const ms = durationOf(field, field.place);
    if (ms !== undefined) field.draft.put(name, ms, field.place.origin);
  },
  set(name, { project: { reader }, draft, place }) {
    for (const { text, origin } of reader.texts(place)) pushOnce(draft, name, text, origin);
  },
  table(name, { project: { reader }, draft, place }) {
    for (const pair of reader.pairs(place)) {
      draft.putIn(name, pair.name, pair.value ?? "", pair.origin);
    }
  },
};

/** Reads it into the field of that name, whose row says what Compose calls it. */
export function readOrdinary(name: FieldName, field: Field): void {
  readers[rowOf(name).type as TypeWith<"compose">](name as never, field);
}

/** A duration in milliseconds; undefined where none is written. */
export function durationOf(
  { project: { reader }, draft }: Field,
  place: Place | undefined,
): number | undefined {
  if (place === undefined || isNull(place.value)) return undefined;
  const text = reader.text(place);
  if (text === undefined) return undefined;
  const ms = goDurationMs(text);
  if (ms === undefined) draft.mistake(place.origin, 'expected a duration like "30s" or "1m30s"');
  return ms;
}
