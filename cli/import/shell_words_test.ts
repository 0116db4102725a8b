import { deepStrictEqual, ok } from "node:assert/strict";
import { shellWords } from "./shell_words.ts";

const cases: readonly [line: string, words: readonly string[]][] = [
  ["", []],
  ["  a   b\tc\n", ["a", "b", "c"]],
  [`a 'b c' "d e"`, ["a", "b c", "d e"]],
  [`a'b'"c"d`, ["abcd"]],
  [`'' ""`, ["", ""]],
  [`a\\ b \\"c`, ["a b", '"c']],
  [`"a \\"b\\" \\n \\$c"`, ['a "b" \\n $c']],
  [`'a \\n'`, ["a \\n"]],
  ["a \\\n b", ["a", "b"]],
  [`--rule='Host(\`x\`)'`, ["--rule=Host(`x`)"]],
  [`sh -c "a && b | c"`, ["sh", "-c", "a && b | c"]],
];

for (const [line, words] of cases) {
  Deno.test({
    name: `shellWords() of ${JSON.stringify(line)}`,
    permissions: "none",
    fn: () => deepStrictEqual(shellWords(line), { words, operators: [] }),
  });
}

Deno.test({
  name: "shellWords() says which words only a shell would act upon",
  permissions: "none",
  fn: () =>
    deepStrictEqual(shellWords(`a && b > "c" | d ; '&&'`), {
      words: ["a", "&&", "b", ">", "c", "|", "d", ";", "&&"],
      operators: ["&&", ">", "|", ";"],
    }),
});

for (const line of [`a "b`, "a 'b", "a \\"]) {
  Deno.test({
    name: `shellWords() refuses ${JSON.stringify(line)}`,
    permissions: "none",
    fn: () => ok("error" in shellWords(line)),
  });
}
