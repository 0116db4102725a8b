import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { interpolate } from "./interpolate.ts";

const variables = new Map([["TAG", "v2"], ["EMPTY", ""], ["DOLLAR", "a$b"]]);

const cases: readonly [given: string, text: string, result: string][] = [
  ["no variable", "nginx", "nginx"],
  ["a variable without braces", "nginx:$TAG-alpine", "nginx:v2-alpine"],
  ["a variable in braces", "nginx:${TAG}alpine", "nginx:v2alpine"],
  ["a default of what is set", "${TAG:-v1}", "v2"],
  ["a default of what is not set", "${NONE:-v1}", "v1"],
  ["a default of what is empty, with a colon", "${EMPTY:-v1}", "v1"],
  ["a default of what is empty, without a colon", "${EMPTY-v1}", ""],
  ["an empty default", "a${NONE:-}b", "ab"],
  ["a default with a default", "${NONE:-${OTHER:-${TAG}}}", "v2"],
  ["a default with braces around nothing", "${NONE:-{}}", "{}"],
  ["a replacement of what is set", "${TAG:+yes}", "yes"],
  ["a replacement of what is not set", "${NONE:+yes}", ""],
  ["a replacement of what is empty", "${EMPTY+yes}${EMPTY:+no}", "yes"],
  ["what must be set and is", "${TAG:?say which}", "v2"],
  ["two dollars", "$$TAG and $${TAG}", "$TAG and ${TAG}"],
  ["a dollar in a value", "$DOLLAR", "a$b"],
];

for (const [given, text, result] of cases) {
  Deno.test({
    name: `interpolate() given ${given}`,
    permissions: "none",
    fn() {
      const { text: found, error, required } = interpolate(text, variables);
      deepStrictEqual([found, error, required], [result, undefined, []]);
    },
  });
}

Deno.test({
  name: "interpolate() says what is not set, and what must be",
  permissions: "none",
  fn() {
    const { text, unset, required } = interpolate("$A ${B:?say $TAG} ${C?} $A", variables);
    strictEqual(text, "   ");
    deepStrictEqual(unset, ["A"]);
    deepStrictEqual(required, [{ name: "B", message: "say v2" }, { name: "C", message: "" }]);
  },
});

for (const text of ["costs 5$", "$(date)", "${", "${TAG", "${TAG:v1}", "${1}", "a $ b"]) {
  Deno.test({
    name: `interpolate() refuses ${text}`,
    permissions: "none",
    fn: () => match(interpolate(text, variables).error ?? "", /\$/),
  });
}

Deno.test({
  name: "interpolate() ends with defaults that are nested without end, and with texts that grow",
  permissions: "none",
  fn() {
    match(interpolate("${A:-".repeat(50) + "}".repeat(50), variables).error ?? "", /too deeply/);
    const long = new Map([["L", "x".repeat(100_000)]]);
    match(interpolate("$L$L$L$L", long).error ?? "", /too long/);
  },
});
