import { deepStrictEqual } from "node:assert/strict";
import { parseDotenv } from "./dotenv.ts";

const cases: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["nothing", "", {}],
  ["blank lines and comments", "\n  \n# one\n  # two\n", {}],
  ["a value", "A=1\n", { A: "1" }],
  ["no end of the last line", "A=1", { A: "1" }],
  ["lines of Windows, and its mark", "\ufeffA=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["an empty value", "A=\nB= \nC=''\n", { A: "", B: "", C: "" }],
  ["space around", "  A = one two  \n", { A: "one two" }],
  ["export", "export A=1\nexportB=2\n", { A: "1", exportB: "2" }],
  ["a comment behind", "A=1 # one\nB=a#b\nC=#d\n", { A: "1", B: "a#b", C: "" }],
  ["a value with =", "URL=postgres://db?a=b&c=d\n", { URL: "postgres://db?a=b&c=d" }],
  ["one name twice", "A=1\nA=2\n", { A: "2" }],
  ["single quotes", "A='a \"b\" \\n $C # d' # e\n", { A: 'a "b" \\n $C # d' }],
  ["double quotes", 'A="a \'b\' \\n\\t\\\\ \\"c\\" \\$D \\x" \n', {
    A: "a 'b' \n\t\\ \"c\" $D \\x",
  }],
  ["quotes over lines", "A='one\ntwo\n'\nB=2\n", { A: "one\ntwo\n", B: "2" }],
  ["a quote within", "A=it's\n", { A: "it's" }],
  ["what looks like a variable", "A=$B-${C}\n", { A: "$B-${C}" }],
  ["names with dots", "spring.main_x=1\n", { "spring.main_x": "1" }],
];
for (const [given, text, values] of cases) {
  Deno.test({
    name: `parseDotenv() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(parseDotenv(text, "a.env"), { values, mistakes: [] }),
  });
}

const mistakes: readonly (readonly [string, string, readonly string[]])[] = [
  ["a name alone", "A=1\nTOKEN\n", ["a.env:2: expected NAME=value"]],
  ["another separator", "A: 1\n", ["a.env:1: expected NAME=value"]],
  ["no name", "=hidden\n", ["a.env:1: expected a variable's name before ="]],
  ["a name with a space", "A B=hidden\n", ["a.env:1: expected a variable's name before ="]],
  ["a quote that never ends", "A=1\nB='hidden\nC=3\n", ["a.env:2: expected a closing '"]],
  ["something behind a quote", 'A="x"hidden\nB=2 2\n', [
    'a.env:1: expected nothing behind the closing "',
  ]],
  ["several", "1=hidden\n\nB=2\nC\n", [
    "a.env:1: expected a variable's name before =",
    "a.env:4: expected NAME=value",
  ]],
];
for (const [given, text, expected] of mistakes) {
  Deno.test({
    name: `parseDotenv() tells where, and no value, given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(parseDotenv(text, "a.env").mistakes, expected),
  });
}
