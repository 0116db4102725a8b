/**
 * The kinds of words a command line is made of, checked while it is read.
 *
 * @module
 */

import { message, text } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import type { Suggestion } from "@optique/core/parser";
import type { OptionName } from "@optique/core/usage";
import { argument, flag, option } from "@optique/core/primitives";
import { integer, string, type ValueParser } from "@optique/core/valueparser";
import { formatDuration, parseDuration } from "../../lib/domain/duration.ts";
import { type DeployTarget, parseTarget, requireName } from "../../lib/domain/names.ts";
import { McpError } from "../../lib/errors.ts";
import { wanted, type WordKind } from "./completion.ts";
import { formatSince, parseSince, type Since } from "./since.ts";

/** The name of a service. */
export function serviceArgument() {
  return argument(nameOf("service", "SERVICE"), { description: message`Name of the service` });
}

/** The name of a service that need not exist yet. */
export function serviceName(): ValueParser<"sync", string> {
  return nameOf("service", "SERVICE");
}

/** A service, or one component of it. */
export function targetArgument() {
  const value = wordParser<DeployTarget>({
    metavar: "SERVICE[/COMPONENT]",
    placeholder: { service: "service", component: undefined },
    parse: parseTarget,
    format: ({ service, component }) =>
      component === undefined ? service : `${service}/${component}`,
    words: "targets",
  });
  return argument(value, { description: message`The service, or one component of it` });
}

/** The number of a revision. */
export function revisionArgument(what: string) {
  const value = wordParser<number>({
    metavar: "REVISION",
    placeholder: 1,
    parse(word) {
      if (/^[1-9][0-9]{0,8}$/.test(word)) return Number(word);
      throw new McpError("invalid", `Cannot use ${JSON.stringify(word)} as a revision`, {
        hint: "Write its number; `mcp history SERVICE` shows them",
      });
    },
    format: String,
    words: "revisions",
  });
  return argument(value, { description: message`${text(what)}` });
}

/** The name of a node. */
export function nodeArgument() {
  return argument(nameOf("node", "NODE"), { description: message`Name of the node` });
}

/** The only node to ask, where it is said. */
export function nodeOption(what: string) {
  const description = message`${text(what)}`;
  return optional(option("--node", nameOf("node", "NODE"), { description }));
}

/** A file of the operator; the shell completes it. */
export function filePath(
  options: { readonly metavar?: ValueParser["metavar"]; readonly extensions?: string[] } = {},
): ValueParser<"sync", string> {
  const { metavar = "FILE", extensions } = options;
  return {
    ...string({ metavar }),
    *suggest(prefix): Iterable<Suggestion> {
      yield {
        kind: "file",
        type: "file",
        pattern: prefix,
        ...(extensions === undefined ? {} : { extensions }),
      };
    },
  };
}

/** A folder of the operator; the shell completes it. */
export function folderPath(): ValueParser<"sync", string> {
  return {
    ...string({ metavar: "DIR" }),
    *suggest(prefix): Iterable<Suggestion> {
      yield { kind: "file", type: "directory", pattern: prefix };
    },
  };
}

/** A definition file of the operator. */
export function definitionPath() {
  return filePath({ extensions: [".toml"] });
}

/** A definition to take instead of the one of the services folder. */
export function definitionOption(what: string) {
  const description = message`${text(what)}`;
  return optional(option("-f", "--file", definitionPath(), { description }));
}

/** Something that is so when it is said. */
export function switchFlag(name: OptionName, what: string, short?: OptionName) {
  const description = message`${text(what)}`;
  return withDefault(flag(...withShort(name, short), { description }), false);
}

/** An option that has a text for its value. */
export function textOption(
  name: OptionName,
  metavar: ValueParser["metavar"],
  what: string,
  short?: OptionName,
) {
  const description = message`${text(what)}`;
  return option(...withShort(name, short), string({ metavar }), { description });
}

function withShort(name: OptionName, short: OptionName | undefined): [OptionName, ...OptionName[]] {
  return short === undefined ? [name] : [short, name];
}

/** An argument that is a text. */
export function textArgument(metavar: ValueParser["metavar"], what: string) {
  return argument(string({ metavar }), { description: message`${text(what)}` });
}

/** Whether something is shown and not done. */
export function dryRunFlag(what: string) {
  return switchFlag("--dry-run", what);
}

/** Whether nothing is asked. */
export function yesFlag() {
  return switchFlag("--yes", "Do it without asking", "-y");
}

/** Whether what need not be changed is made anew all the same. */
export function recreateFlag() {
  return switchFlag("--recreate", "Make every container anew, also one that is as it should be");
}

/** From when on something is listed. */
export function sinceOption() {
  const description = message`Only from then on: 30m, 12h, 7d, or an instant in UTC`;
  return optional(option("--since", pointInTime(), { description }));
}

/** Up to when something is listed. */
export function untilOption() {
  const description = message`Only up to then, written like --since`;
  return optional(option("--until", pointInTime(), { description }));
}

function pointInTime() {
  return wordParser<Since>({
    metavar: "WHEN",
    placeholder: { agoMs: 0 },
    parse: parseSince,
    format: formatSince,
  });
}

/** The most that nodes give out at once. */
const largestLimit = 1_000;
const defaultLimit = 100;

/** How many are listed at most; undefined when it was not said. */
export function limitOption(byDefault: number = defaultLimit) {
  const description = message`At most so many, the newest ones; by default ${
    text(String(byDefault))
  }`;
  const value = integer({ metavar: "N", min: 1, max: largestLimit });
  return optional(option("--limit", value, { description }));
}

/** The limit that holds. */
export function limitOrDefault(limit: number | undefined): number {
  return limit ?? defaultLimit;
}

/** How long to wait for a node. */
export function timeoutOption(defaultMs: number) {
  const value = wordParser<number>({
    metavar: "DURATION",
    placeholder: defaultMs,
    parse(word) {
      const ms = parseDuration(word);
      if (ms !== undefined && ms > 0) return ms;
      throw new McpError("invalid", `Cannot use ${JSON.stringify(word)} as a duration`, {
        hint: "Write it like 500ms, 10s or 2m",
      });
    },
    format: formatDuration,
  });
  const description = message`Wait this long for a node, by default ${
    text(formatDuration(defaultMs))
  }`;
  return withDefault(option("--timeout", value, { description }), defaultMs);
}

function nameOf(what: "service" | "node", metavar: "SERVICE" | "NODE") {
  return wordParser<string>({
    metavar,
    placeholder: what,
    parse: (word) => requireName(what, word),
    format: (name) => name,
    words: `${what}s`,
  });
}

/** A value parser from a function that throws `McpError`; its hint is kept as a second paragraph. */
function wordParser<Value>(rule: {
  readonly metavar: ValueParser["metavar"];
  readonly placeholder: Value;
  readonly parse: (word: string) => Value;
  readonly format: (value: Value) => string;
  /** What completion suggests. */
  readonly words?: WordKind;
}): ValueParser<"sync", Value> {
  return {
    mode: "sync",
    metavar: rule.metavar,
    placeholder: rule.placeholder,
    parse(word) {
      try {
        return { success: true, value: rule.parse(word) };
      } catch (error) {
        if (!(error instanceof McpError)) throw error;
        const hint = error.hint === undefined ? "" : `\n\n${error.hint}`;
        return { success: false, error: message`${text(`${error.message}${hint}`)}` };
      }
    },
    format: rule.format,
    *suggest(prefix): Iterable<Suggestion> {
      if (rule.words !== undefined) yield wanted(rule.words, prefix);
    },
  };
}
