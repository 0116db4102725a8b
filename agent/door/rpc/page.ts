/**
 * Which part of a long list one answer holds: from when on, and how much.
 *
 * @module
 */

import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { McpError } from "../../../lib/errors.ts";

const usual = 100;
const most = 1_000;

/** How many rows to answer with when a request asks for so many; 0 = it does not say. */
export function pageSize(asked: number): number {
  return asked === 0 ? usual : Math.min(asked, most);
}

/** The last time that a timestamp may say, by its own definition. */
const lastTime = Date.parse("9999-12-31T23:59:59.999Z");
const firstTime = Date.parse("0001-01-01T00:00:00Z");

/**
 * The time from which on a request asks; undefined when it does not say.
 *
 * @throws {McpError} `invalid` when it is none that a clock can show.
 */
export function pageStart(since: Timestamp | undefined): Date | undefined {
  if (since === undefined) return undefined;
  const at = timestampDate(since);
  if (at.getTime() >= firstTime && at.getTime() <= lastTime) return at;
  throw new McpError("invalid", `Cannot list since ${since.seconds} s: it is no time`);
}
