import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { containerName, isName, parseTarget, requireName } from "./names.ts";

for (
  const [text, expected] of [
    ["a", true],
    ["7", true],
    ["mc-proxy", true],
    ["a--b", true],
    ["a".repeat(63), true],
    ["a".repeat(64), false],
    ["", false],
    ["-a", false],
    ["a-", false],
    ["A", false],
    ["a_b", false],
    ["a.b", false],
    ["a/b", false],
    ["..", false],
    ["a b", false],
    ["a\n", false],
    ["a\0", false],
    ["ä", false],
  ] as const
) {
  Deno.test({
    name: `isName() is ${expected} given ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => strictEqual(isName(text), expected),
  });
}

Deno.test({
  name: "requireName() returns a name as it is",
  permissions: "none",
  fn: () => strictEqual(requireName("service", "mcr"), "mcr"),
});

Deno.test({
  name: "requireName() refuses what is none, and says the rule",
  permissions: "none",
  fn: () =>
    throws(() => requireName("service", "Mcr\n"), {
      kind: "invalid",
      message: 'Cannot use "Mcr\\n" as a service name',
      hint: "A service name is 1 to 63 of a-z, 0-9 and -, " +
        "starting and ending with a letter or a digit",
    }),
});

for (
  const [service, component, expected] of [
    ["metacrypt", "api", "metacrypt-api"],
    ["mc-proxy", "mc-proxy", "mc-proxy"],
    ["mc", "proxy", "mc-proxy"],
    ["mcr", "mcr-web", "mcr-mcr-web"],
  ] as const
) {
  Deno.test({
    name: `containerName() of ${service}/${component} is ${expected}`,
    permissions: "none",
    fn: () => strictEqual(containerName(service, component), expected),
  });
}

for (
  const [text, expected] of [
    ["mcr", { service: "mcr", component: undefined }],
    ["mcr/web", { service: "mcr", component: "web" }],
  ] as const
) {
  Deno.test({
    name: `parseTarget() given ${text}`,
    permissions: "none",
    fn: () => deepStrictEqual(parseTarget(text), expected),
  });
}

for (const text of ["", "/", "mcr/", "/web", "a/b/c", "../etc", "-f", "mcr/-f", "MCR"]) {
  Deno.test({
    name: `parseTarget() refuses ${JSON.stringify(text)}`,
    permissions: "none",
    fn: () => throws(() => parseTarget(text), { name: "McpError", kind: "invalid" }),
  });
}
