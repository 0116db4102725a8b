/**
 * What files of variables are written like: a line each, `KEY=VALUE`. What the values mean is for
 * those who use them: a definition takes them as they are, Compose puts variables into them.
 *
 * - Blank lines and lines that begin with `#` say nothing; `export ` before a name is passed over.
 * - A plain value ends with its line, or at a `#` behind a space; the space around it is cut.
 * - 'Single' and "double" quotes may reach over several lines.
 *
 * @module
 */

/** One variable as it is written. */
interface DotenvLine {
  readonly name: string;
  /** From 1; where it begins. */
  readonly line: number;
  readonly quote: "'" | '"' | "";
  /** What stands between the quotes, or the plain value; undefined: the name stands alone. */
  readonly body: string | undefined;
}

/** All that such a file says. */
interface DotenvLines {
  readonly variables: readonly DotenvLine[];
  /** One part of a sentence each, without any value. */
  readonly mistakes: readonly { readonly line: number; readonly what: string }[];
}

/** How it is read. */
interface DotenvManner {
  /** Whether a colon parts name and value, too. */
  readonly colons: boolean;
  /** Whether values are taken as they stand, quotes and comments and all. */
  readonly raw: boolean;
}

const namePattern = /^[a-zA-Z_][a-zA-Z0-9_.-]*$/;

/** Reads the text of such a file. */
export function readDotenv(text: string, { colons, raw }: DotenvManner): DotenvLines {
  const lines = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n").split("\n");
  const variables: DotenvLine[] = [];
  const mistakes: { line: number; what: string }[] = [];
  for (let at = 0; at < lines.length; at++) {
    const written = lines[at] ?? "";
    if (/^\s*(#|$)/.test(written)) continue;
    const line = at + 1;
    const [name, value] = partsOf(written, colons);
    if (!namePattern.test(name)) {
      const what = written.includes("=") ? "a variable's name before =" : "NAME=value";
      mistakes.push({ line, what: `expected ${what}` });
      continue;
    }
    const quote = value?.[0];
    if (value === undefined || raw || (quote !== '"' && quote !== "'")) {
      const body = raw ? value : value?.replace(/(^|\s)#.*$/, "").trim();
      variables.push({ name, line, quote: "", body });
      continue;
    }
    const quoted = readQuoted(value, quote, lines.slice(at + 1));
    at += quoted.moreLines;
    if (quoted.body === undefined) mistakes.push({ line, what: quoted.mistake });
    else variables.push({ name, line, quote, body: quoted.body });
  }
  return { variables, mistakes };
}

/** The name, and what stands behind the separator without the space around; undefined: there is none. */
function partsOf(written: string, colons: boolean): readonly [string, string | undefined] {
  const said = written.trim().replace(/^export\s+/, "");
  const at = said.search(colons ? /[=:]/ : /=/);
  return at < 0 ? [said, undefined] : [said.slice(0, at).trimEnd(), said.slice(at + 1).trimStart()];
}

type Quoted =
  & { readonly moreLines: number }
  & (
    | { readonly body: string }
    | { readonly body: undefined; readonly mistake: string }
  );

/** @param rest The lines behind; quotes may reach over some of them. */
function readQuoted(first: string, quote: string, rest: readonly string[]): Quoted {
  const text = [first, ...rest].join("\n");
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (text[at] === quote) {
      const body = text.slice(1, at);
      const moreLines = body.split("\n").length - 1;
      const [behind = ""] = text.slice(at + 1).split("\n", 1);
      return /^\s*(#.*)?$/.test(behind)
        ? { body, moreLines }
        : { body: undefined, moreLines, mistake: `expected nothing behind the closing ${quote}` };
    }
  }
  return { body: undefined, moreLines: 0, mistake: `expected a closing ${quote}` };
}

/**
 * What stands between double quotes, without its escapes: \n, \r, \t, \\, \" and \$.
 *
 * @param dollar What stands for an escaped one.
 */
export function unescaped(body: string, dollar = "$"): string {
  const meanings: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", $: dollar };
  return body.replaceAll(
    /\\([nrt"\\$])/g,
    (_, character: string) => meanings[character] ?? character,
  );
}
