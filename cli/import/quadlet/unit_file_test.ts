import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseUnit, unitWords } from "./unit_file.ts";

Deno.test({
  name: "parseUnit() reads sections, comments, repeated keys and lines that go on",
  permissions: "none",
  fn() {
    const { assignments, mistakes } = parseUnit(
      `# a comment
; another one
[Unit]
Description = Two words

[Container]
Exec=one \\
  # between
  two \\
  three
Environment=A=1
Environment=
Environment="B=2 3"
`,
      "web.container",
    );
    deepStrictEqual(mistakes, []);
    deepStrictEqual(
      assignments.map(({ section, key, value, at }) => [section, key, value, at.line]),
      [
        ["Unit", "Description", "Two words", 4],
        ["Container", "Exec", "one    two    three", 7],
        ["Container", "Environment", "A=1", 11],
        ["Container", "Environment", "", 12],
        ["Container", "Environment", '"B=2 3"', 13],
      ],
    );
  },
});

Deno.test({
  name: "parseUnit() tells of lines that are none",
  permissions: "none",
  fn() {
    const { assignments, mistakes } = parseUnit("A=1\n[Unit]\nhello\n=x\n[open\n", "web.container");
    deepStrictEqual(assignments, []);
    deepStrictEqual(mistakes.map(({ at, what }) => [at.line, what]), [
      [1, "it stands before the first section"],
      [3, "expected [Section] or Key=value"],
      [4, "expected [Section] or Key=value"],
      [5, "expected [Section] or Key=value"],
    ]);
  },
});

const cases: readonly [text: string, words: readonly string[] | undefined][] = [
  ["", []],
  ["a  b", ["a", "b"]],
  [`"a b" 'c d' e"f"`, ["a b", "c d", "ef"]],
  [`"A=with \\"quotes\\""`, ['A=with "quotes"']],
  [`a\\sb\\tc\\x41\\101\\u00e4`, ["a b\tcAAä"]],
  [`""`, [""]],
  [`"a`, undefined],
];

for (const [text, words] of cases) {
  Deno.test({
    name: `unitWords() of ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => deepStrictEqual(unitWords(text), words),
  });
}

Deno.test({
  name: "unitWords() reads long values in time",
  permissions: "none",
  fn: () => strictEqual(unitWords("a ".repeat(100_000))?.length, 100_000),
});
