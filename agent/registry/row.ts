/**
 * What goes into statements, and what comes out: what SQLite returns is decoded, not believed.
 *
 * @module
 */

/** What can be put into a statement; `undefined` is NULL. */
type Value = string | number | Date | undefined;

/** A statement and its values, which stand where they belong and are never part of its text. */
export function sql(
  texts: TemplateStringsArray,
  ...values: readonly Value[]
): [string, ...(string | number | null)[]] {
  const stored = (value: Value) => value instanceof Date ? timeText(value) : value ?? null;
  return [texts.join("?"), ...values.map(stored)];
}

/** One row of a result, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** A column that holds text. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw new TypeError(`Registry column ${column} is not text`);
  return value;
}

/** A column that holds a number, or undefined for NULL. */
export function optionalNumber(row: Row, column: string): number | undefined {
  const value = row[column];
  if (value === null) return undefined;
  if (typeof value !== "number") throw new TypeError(`Registry column ${column} is not a number`);
  return value;
}

/** A column that holds a number. */
export function number(row: Row, column: string): number {
  const value = optionalNumber(row, column);
  if (value === undefined) throw new TypeError(`Registry column ${column} is NULL`);
  return value;
}

/** A column that holds one of a few words. */
export function word<Word extends string>(
  row: Row,
  column: string,
  words: readonly Word[],
): Word {
  const value = text(row, column);
  const known = words.find((candidate) => candidate === value);
  if (known === undefined) throw new TypeError(`Registry column ${column} holds "${value}"`);
  return known;
}

/** A column that holds a time, or undefined for NULL. */
export function optionalTime(row: Row, column: string): Date | undefined {
  return row[column] === null ? undefined : time(row, column);
}

/** A column that holds a time. */
export function time(row: Row, column: string): Date {
  const at = new Date(`${text(row, column).replace(" ", "T")}Z`);
  if (Number.isNaN(at.getTime())) throw new TypeError(`Registry column ${column} is not a time`);
  return at;
}

/** A time as the registry writes it. */
export function timeText(at: Date): string {
  return at.toISOString().replace("T", " ").replace("Z", "");
}
