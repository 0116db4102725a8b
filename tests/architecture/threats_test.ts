/**
 * The table of threats names tests that are there.
 *
 * @module
 */

import { deepStrictEqual, ok } from "node:assert/strict";

const root = new URL("../../", import.meta.url);

/** Threats and invariants of the architecture, by the headings they have there. */
const least = { threats: 10, invariants: 7 };

Deno.test("every test that docs/threats.md names is there, and no threat is without one", async () => {
  const table = await Deno.readTextFile(new URL("docs/threats.md", root));
  const missing: string[] = [];
  for (
    const [_, path = "", title = ""] of table.matchAll(/`((?:agent|tests)\/\S+_test\.ts)`: (.+)$/gm)
  ) {
    const text = await Deno.readTextFile(new URL(path, root)).catch(() => "");
    if (!text.includes(title)) missing.push(`${path}: ${title}`);
  }
  deepStrictEqual(missing, []);

  const [threats = "", invariants = ""] = table.split(/^## /m).slice(1);
  for (const [part, count] of [[threats, least.threats], [invariants, least.invariants]] as const) {
    const sections = part.split(/^### /m).slice(1);
    ok(sections.length >= count, `${sections.length} sections`);
    deepStrictEqual(sections.filter((section) => !section.includes("_test.ts`: ")), []);
  }
});
