/**
 * Manual pages as `man` reads them.
 *
 * @module
 */

/** A part of a page. */
export type Part =
  /** A paragraph. */
  | { readonly text: string }
  /** Terms, each with what it means. */
  | { readonly terms: readonly (readonly [term: string, meaning: string])[] }
  /** Lines that stay as they are. */
  | { readonly lines: readonly string[] };

/** A manual page. */
export interface ManPage {
  /** File name without its section, e.g. "mcp-deploy". */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What the page is of, e.g. "mcp 0.1.0". */
  readonly source: string;
  readonly sections: readonly { readonly title: string; readonly parts: readonly Part[] }[];
}

/** The page's text. It holds no date: what is generated twice is the same twice. */
export function renderManPage({ name, summary, source, sections }: ManPage): string {
  return [
    `.TH ${quote(name.toUpperCase())} 1 "" ${quote(source)} "User Commands"`,
    ".ad l",
    ".SH NAME",
    `${escape(name)} \\- ${escape(lowerFirst(summary))}`,
    ...sections.flatMap(({ title, parts }) => [
      `.SH ${escape(title.toUpperCase())}`,
      ...parts.flatMap(renderPart),
    ]),
    "",
  ].join("\n");
}

function renderPart(part: Part): string[] {
  if ("text" in part) return [".PP", escape(part.text)];
  if ("lines" in part) return [".PP", ".nf", ...part.lines.map(escape), ".fi"];
  return part.terms.flatMap(([term, meaning]) => [
    ".TP",
    `\\fB${escape(term)}\\fR`,
    escape(meaning),
  ]);
}

/** Text that means itself: a hyphen is a minus sign, which is what an operator would type. */
function escape(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");
}

function quote(text: string): string {
  return `"${escape(text).replaceAll('"', "\\(dq")}"`;
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
