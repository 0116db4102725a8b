import { deepStrictEqual } from "node:assert/strict";
import { parseDotEnv } from "./dot_env.ts";

const cases: readonly [given: string, text: string, values: Record<string, string>][] = [
  ["plain values", "A=1\nB = two words \n", { A: "1", B: "two words" }],
  ["Windows' line ends and a mark at the start", "\ufeffA=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["comments", "# no\nA=1 # one\nB=a#b\n  # no\nC=#d", { A: "1", B: "a#b", C: "" }],
  ["exported names", "export A=1", { A: "1" }],
  ["colons", "A: 1", { A: "1" }],
  ["double quotes", 'A="a # \\"b\\" \\n\\\\c" # no', { A: 'a # "b" \n\\c' }],
  ["single quotes", "A='a \"$B\" \\n'", { A: 'a "$B" \\n' }],
  ["values of several lines", 'A="one\ntwo"\nB=3', { A: "one\ntwo", B: "3" }],
  ["variables before it", 'A=1\nB=${A}2\nC="$B${KNOWN}${NONE:-x}"', { A: "1", B: "12", C: "12kx" }],
  ["a dollar that begins no variable", 'A=pa$$word\nB="a\\$A"\nC=a$', {
    A: "pa$word",
    B: "a$A",
    C: "a$",
  }],
  ["an empty value", "A=", { A: "" }],
];

for (const [given, text, values] of cases) {
  Deno.test({
    name: `parseDotEnv() given ${given}`,
    permissions: "none",
    fn() {
      const { variables, mistakes } = parseDotEnv(text, new Map([["KNOWN", "k"]]));
      deepStrictEqual(mistakes, []);
      deepStrictEqual(
        Object.fromEntries(variables.map(({ name, value }) => [name, value])),
        values,
      );
    },
  });
}

Deno.test({
  name: "parseDotEnv() knows the lines, names without values and what is wrong",
  permissions: "none",
  fn() {
    const { variables, bare, mistakes } = parseDotEnv(
      'A="1\n2"\n\nHOME\n!x\nB=${\nC=3\nD="open',
      new Map(),
    );
    deepStrictEqual(variables.map(({ name, line }) => [name, line]), [["A", 1], ["C", 7]]);
    deepStrictEqual(bare, [{ name: "HOME", line: 4 }]);
    deepStrictEqual(mistakes.map(({ line }) => line), [5, 6, 8]);
  },
});

Deno.test({
  name: "parseDotEnv() takes values as they stand when it is told to",
  permissions: "none",
  fn() {
    const { variables } = parseDotEnv(`A="x" # $B`, undefined);
    deepStrictEqual(variables, [{ name: "A", value: '"x" # $B', line: 1 }]);
  },
});
