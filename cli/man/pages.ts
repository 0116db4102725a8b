/**
 * The manual, from the declarations that make `--help`: one page for `mcp`, one per command.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { DocEntry } from "@optique/core/doc";
import { formatMessage } from "@optique/core/message";
import { getDocPage } from "@optique/core/parser";
import { formatUsage, formatUsageTerm } from "@optique/core/usage";
import { version } from "../../lib/version.ts";
import type { Example } from "../command.ts";
import { everywhere } from "../command_line/everywhere.ts";
import { exitCodes } from "../output/exit_code.ts";
import { allCommands, type Entry, firstSteps } from "../program.ts";
import type { environmentNames } from "../system.ts";
import type { ManPage, Part } from "./roff.ts";

const program = await allCommands();
const source = `mcp ${version}`;

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: "What was asked for is done.",
  defect: "A defect in MCP itself.",
  invalid: "The arguments, the config or a definition can never work.",
  refused: "No token, one that is not accepted, or one that may not do this.",
  notFound: "The named service, component, node or file does not exist.",
  conflict: "The right request in the wrong state of things.",
  unavailable: "No node, or not the one that matters, could be reached.",
  partial: "Some nodes did not answer; what the others said is shown.",
  failed: "The node was asked and answered, but something did not do what was asked.",
  different: "With --exit-code: there is something to do, or something that differs.",
  interrupted: "Ctrl-C, or a question that was not answered with yes.",
};

const environmentMeanings: Readonly<Record<(typeof environmentNames)[number], string>> = {
  HOME: "Where the config is, in .config/mcp.",
  XDG_CONFIG_HOME: "The folder to look for mcp/mcp.toml instead.",
  MCP_CONFIG: "The config itself.",
  MCP_TOKEN: "The token to present to nodes, before any that is kept.",
  NO_COLOR: "Without colors, when it is not empty.",
  TERM: "Without colors and progress, when it is dumb.",
  EDITOR: "The editor of mcp service edit.",
  VISUAL: "The editor, when there is no EDITOR.",
};

const files: readonly (readonly [string, string])[] = [
  ["~/.config/mcp/mcp.toml", "The config: nodes, identity provider, folders."],
  ["~/.config/mcp/services/*.toml", "The definitions, one per service."],
  ["~/.config/mcp/token, ~/.config/mcp/tokens/", "Tokens; only their owner may read them."],
];

/** Every page. */
export function manPages(): readonly ManPage[] {
  return [overview(), ...program.map(commandPage)];
}

function overview(): ManPage {
  return {
    name: "mcp",
    summary: "Run services on the nodes of this platform",
    source,
    sections: [
      { title: "Synopsis", parts: [{ text: "mcp COMMAND [ARGUMENTS] [--json] [--config FILE]" }] },
      {
        title: "Commands",
        parts: [{ terms: program.map(({ path, summary }) => [path.join(" "), `${summary}.`]) }],
      },
      { title: "Options of every command", parts: [optionTerms(everywhere)] },
      { title: "Examples", parts: [exampleLines(firstSteps)] },
      {
        title: "Exit status",
        parts: [{
          terms: Object.entries(exitMeanings).map(([name, meaning]) => [
            String(exitCodes[name as keyof typeof exitCodes]),
            meaning,
          ]),
        }],
      },
      { title: "Environment", parts: [{ terms: Object.entries(environmentMeanings) }] },
      { title: "Files", parts: [{ terms: files }] },
      { title: "See also", parts: [{ text: program.map(referenceTo).join(", ") }] },
    ],
  };
}

function commandPage(entry: Entry): ManPage {
  const { path, summary, description, examples, parser } = entry;
  const words = ["mcp", ...path];
  const page = getDocPage(object({ own: parser, everywhere }));
  const sentences = description === undefined ? `${summary}.` : `${summary}. ${description}`;
  return {
    name: words.join("-"),
    summary,
    source,
    sections: [
      {
        title: "Synopsis",
        parts: [{ text: formatUsage(words.join(" "), page?.usage ?? [], {}) }],
      },
      { title: "Description", parts: [{ text: sentences }] },
      { title: "Arguments and options", parts: [optionTerms(parser), optionTerms(everywhere)] },
      { title: "Examples", parts: [exampleLines(examples)] },
      { title: "See also", parts: [{ text: "mcp(1)" }] },
    ],
  };
}

function optionTerms(parser: Parameters<typeof getDocPage>[0]): Part {
  const sections = (getDocPage(parser as Entry["parser"]))?.sections ?? [];
  return { terms: sections.flatMap(({ entries }) => entries.map(termOf)) };
}

function termOf({ term, description }: DocEntry): readonly [string, string] {
  const text = description === undefined ? "" : formatMessage(description, { quotes: false });
  return [formatUsageTerm(term), `${text.replaceAll("\n", " ")}.`];
}

function exampleLines(examples: readonly Example[]): Part {
  return {
    lines: examples.flatMap(({ line, effect }, at) => [
      ...(at === 0 ? [] : [""]),
      `# ${effect}`,
      line,
    ]),
  };
}

function referenceTo({ path }: Entry): string {
  return `mcp-${path.join("-")}(1)`;
}
