/**
 * Where a Debian gets its packages from, told of another suite. Pure.
 *
 * @module
 */

/**
 * What is left of apt's sources, in the newer format, when only Debian's own are kept and another
 * suite is asked for.
 *
 * Debian's own are those whose suites are called like the system: others name it as they please.
 *
 * @param text The text of one file, of either format: `.list` or `.sources`.
 */
export function sourcesOf(text: string, codename: string, wanted: string): string {
  const suite = (name: string) =>
    new RegExp(`^${codename}(-updates|-security)?$`).test(name)
      ? [name.replace(codename, wanted)]
      : [];
  const stanzas = isStanzas(text) ? stanzasOf(text) : linesOf(text);
  return stanzas.map((stanza) => ({
    ...stanza,
    Suites: (stanza["Suites"] ?? "").split(/\s+/).flatMap(suite).join(" "),
  }))
    .filter(({ Suites }) => Suites !== "")
    .map((stanza) => Object.entries(stanza).map(([key, value]) => `${key}: ${value}\n`).join(""))
    .join("\n");
}

type Stanza = Readonly<Record<string, string>>;

function isStanzas(text: string): boolean {
  return /^Types:/m.test(text);
}

function stanzasOf(text: string): Stanza[] {
  return text.split(/\n\s*\n/).map((paragraph) => {
    const lines = paragraph.split("\n").filter((line) => !line.startsWith("#"));
    return Object.fromEntries(lines.flatMap((line) => {
      const [, key, value] = /^([A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }));
  }).filter(({ Types = "" }) => Types.split(/\s+/).includes("deb"))
    .map((stanza) => ({ ...stanza, Types: "deb" }));
}

/** `deb [signed-by=FILE] URI SUITE COMPONENT…` */
function linesOf(text: string): Stanza[] {
  return text.split("\n").flatMap((line) => {
    const [, options = "", uri, suite, components] =
      /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(\S.*)$/.exec(line.trim()) ?? [];
    if (uri === undefined || suite === undefined || components === undefined) return [];
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
    return [{
      Types: "deb",
      URIs: uri,
      Suites: suite,
      Components: components,
      ...(signedBy === undefined ? {} : { "Signed-By": signedBy }),
    }];
  });
}
