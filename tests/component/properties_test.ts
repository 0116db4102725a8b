import fc from "fast-check";
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { complaintsAboutComponent } from "../../lib/domain/component_complaints.ts";
import { componentDefaults, type ComponentSpec } from "../../lib/domain/component_spec.ts";
import { formatDuration, parseDuration } from "../../lib/domain/duration.ts";
import { parseImage } from "../../lib/domain/image.ts";
import { parsePort, parseVolume } from "../../lib/domain/mappings.ts";
import { isName } from "../../lib/domain/names.ts";
import { nearest } from "../../lib/domain/nearest.ts";
import { appendTable, editToml, writeToml } from "../../lib/toml/edit.ts";
import { parseToml } from "../../lib/toml/parse.ts";

/** A property of the rules, which touch nothing: its test may touch nothing either. */
function property<Values extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { [At in keyof Values]: fc.Arbitrary<Values[At]> },
  holds: (...values: Values) => void,
): void {
  Deno.test({
    name,
    permissions: "none",
    fn: () => fc.assert(fc.property(...arbitraries, holds), { numRuns: 2_000 }),
  });
}

/** Texts near the border of what the rules take, which random ones never are. */
const nearlyRight = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(
    fc.constantFrom(
      ..."-:/.@,_[] \n\t\0\u007f\u001bAa0",
      "80",
      "127.0.0.1",
      "::1",
      "/srv",
      "..",
      "tcp",
      "ro",
      "registry.example",
      "on-failure",
      "always",
      "--privileged",
      "latest",
      `sha256:${"a".repeat(64)}`,
    ),
    { maxLength: 8 },
  ).map((parts) => parts.join("")),
);

const anyComponent: fc.Arbitrary<ComponentSpec> = fc.record({
  name: nearlyRight,
  image: nearlyRight,
  network: nearlyRight,
  user: nearlyRight,
  restart: nearlyRight,
  ports: fc.array(nearlyRight, { maxLength: 3 }),
  volumes: fc.array(nearlyRight, { maxLength: 3 }),
  cmd: fc.array(nearlyRight, { maxLength: 3 }),
}).map((base): ComponentSpec => ({ ...componentDefaults, ...base }));

function isHarmless(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return !text.startsWith("-") && !/[\u0000-\u001f\u007f]/.test(text);
}

property(
  "complaintsAboutComponent() takes no text that begins with - or holds a control character",
  [anyComponent],
  (spec) => {
    const refused = new Set(
      complaintsAboutComponent(spec, []).map(({ path }) => path.join(".")),
    );
    for (const key of ["name", "image", "network", "user", "restart"] as const) {
      ok(refused.has(key) || isHarmless(spec[key]), `${key}: ${JSON.stringify(spec[key])}`);
    }
    for (const key of ["ports", "volumes"] as const) {
      spec[key].forEach((text, at) => ok(refused.has(`${key}.${at}`) || isHarmless(text)));
    }
    spec.cmd.forEach((text, at) => ok(refused.has(`cmd.${at}`) || !text.includes("\0")));
  },
);

property("every rule of a text takes harmless texts only", [nearlyRight], (text) => {
  for (const rule of [isName, parseImage, parsePort, parseVolume]) {
    if (rule(text)) ok(isHarmless(text), `${rule.name} takes ${JSON.stringify(text)}`);
  }
});

property("parseImage() takes apart what can be put together again", [nearlyRight], (text) => {
  const image = parseImage(text);
  if (image === undefined) return;
  const tag = image.tag === undefined ? "" : `:${image.tag}`;
  const digest = image.digest === undefined ? "" : `@${image.digest}`;
  strictEqual(`${image.repository}${tag}${digest}`, text);
});

property(
  "parsePort() takes every port there is",
  [fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }), fc.ipV4()],
  (hostPort, containerPort, ip) =>
    deepStrictEqual(parsePort(`${ip}:${hostPort}:${containerPort}`), {
      ip,
      hostPort,
      containerPort,
      protocol: "tcp",
    }),
);

property("parseVolume() takes no path that leaves or repeats a folder", [nearlyRight], (text) => {
  const volume = parseVolume(text);
  if (volume === undefined) return;
  for (const path of [volume.source, volume.target]) {
    ok(!path.split("/").some((part) => part === ".." || part === "."), path);
    ok(!path.includes("//"), path);
  }
});

property(
  "parseDuration() reads every part that formatDuration() writes",
  [fc.integer({ min: 0, max: 1_000_000_000_000 })],
  (durationMs) => {
    const parts = formatDuration(durationMs).split(" ").map((part) => parseDuration(part));
    const readMs = parts.reduce<number>((sum, part) => sum + (part ?? NaN), 0);
    ok(readMs <= durationMs && readMs > durationMs * 0.95 - 1_000, `${readMs}`);
  },
);

const word = fc.stringMatching(/^[a-z_]{3,12}$/);

property("nearest() finds a word that lost one letter", [word, fc.nat()], (known, at) => {
  const typed = known.slice(0, at % known.length) + known.slice(at % known.length + 1);
  strictEqual(nearest(typed, [known]), known);
});

/** A definition as people write them: comments, blank lines, either kind of quotes. */
const key = fc.constantFrom("alpha", "beta", "gamma", "delta");
const writtenValue = fc.constantFrom("1", "'single'", '"double"', "[ 1,  2 ]", "{ x = 1 }", "true");
const trailing = fc.constantFrom("", "  # a comment", "\t# ünïcode", "  ", "\t");
const otherLine = fc.constantFrom("", "# a comment", "   # indented", "\t# tab", "  ", "\t");
const section = fc.tuple(
  fc.array(otherLine, { maxLength: 3 }),
  fc.uniqueArray(key),
  fc.array(fc.tuple(writtenValue, trailing), { minLength: 4, maxLength: 4 }),
).map(([others, keys, values]) => [
  ...others,
  ...keys.map((name, at) => `${name}   =  ${values[at]?.[0]}${values[at]?.[1]}`),
]);
const definition = fc.tuple(
  section,
  fc.boolean(),
  trailing,
  section,
  fc.array(section, { maxLength: 3 }),
).map(([before, active, comment, components, more]) => ({
  active,
  lines: [
    ...before,
    `active = ${active}${comment}`,
    "",
    "[table] # c",
    ...components,
    ...more.flatMap((lines) => ["[[components]]", ...lines]),
  ],
}));

property(
  "editToml() changes the line it is asked to change, and no other",
  [definition, fc.constantFrom("\n", "\r\n")],
  ({ active, lines }, lineEnd) => {
    const text = lines.join(lineEnd) + lineEnd;
    const edited = editToml(text, (value) => ({ ...value, active: !active }));
    const at = lines.findIndex((line) => line.startsWith("active"));
    const changed = edited.split(lineEnd);
    // In the line itself the comment may move a little.
    strictEqual(
      changed[at]?.replace(/\s+/g, ""),
      lines[at]?.replace(`${active}`, `${!active}`).replace(/\s+/g, ""),
    );
    deepStrictEqual(changed.toSpliced(at, 1), [...lines, ""].toSpliced(at, 1));
  },
);

property(
  "appendTable() adds a table behind a text that it leaves as it is",
  [definition, fc.boolean(), word],
  ({ lines }, endsInLineFeed, name) => {
    const text = lines.join("\n") + (endsInLineFeed ? "\n" : "");
    const appended = appendTable(text, "nodes", { name });
    ok(appended.startsWith(text));
    const before = parseToml(text, "x").value as Record<string, unknown>;
    deepStrictEqual(
      structuredClone(parseToml(appended, "x").value),
      structuredClone({ ...before, nodes: [{ name }] }),
    );
  },
);

property(
  "writeToml() writes texts that parseToml() reads back",
  [fc.dictionary(word, fc.string({ unit: "binary" })), fc.array(fc.string())],
  (texts, list) => {
    const wellFormed = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, text.toWellFormed()]),
    );
    const value = { list, texts: wellFormed };
    deepStrictEqual(
      JSON.parse(JSON.stringify(parseToml(writeToml(value), "x").value)),
      JSON.parse(JSON.stringify(value)),
    );
  },
);
