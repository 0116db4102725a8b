/**
 * The kinds of words a command line is made of, checked while it is read.
 *
 * @module
 */

import { message, text } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { string, type ValueParser } from "@optique/core/valueparser";
import { formatDuration, parseDuration } from "../lib/domain/duration.ts";
import { type DeployTarget, parseTarget, requireName } from "../lib/domain/names.ts";
import { McpError } from "../lib/errors.ts";

/** The name of a service. */
export function serviceArgument() {
  return argument(nameOf("service", "SERVICE"), { description: message`Name of the service` });
}

/** A service, or one component of it. */
export function targetArgument() {
  const value = wordParser<DeployTarget>({
    metavar: "SERVICE[/COMPONENT]",
    placeholder: { service: "service", component: undefined },
    parse: parseTarget,
    format: ({ service, component }) =>
      component === undefined ? service : `${service}/${component}`,
  });
  return argument(value, { description: message`The service, or one component of it` });
}

/** The name of a node. */
export function nodeArgument() {
  return argument(nameOf("node", "NODE"), { description: message`Name of the node` });
}

/** A file of the operator. */
export function filePath() {
  return string({ metavar: "FILE" });
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

function nameOf(what: string, metavar: "SERVICE" | "NODE") {
  return wordParser<string>({
    metavar,
    placeholder: what,
    parse: (word) => requireName(what, word),
    format: (name) => name,
  });
}

/** A value parser from a function that throws `McpError`; its hint is kept as a second paragraph. */
function wordParser<Value>(rule: {
  readonly metavar: ValueParser["metavar"];
  readonly placeholder: Value;
  readonly parse: (word: string) => Value;
  readonly format: (value: Value) => string;
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
  };
}
