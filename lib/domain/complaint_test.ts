import { strictEqual } from "node:assert/strict";
import { formatComplaint, formatKeyPath, type KeyPath } from "./complaint.ts";

for (
  const [path, expected] of [
    [[], ""],
    [["name"], "name"],
    [["server", "tls_cert"], "server.tls_cert"],
    [["components", 1, "ports", 0], "components[1].ports[0]"],
    [[0, "name"], "[0].name"],
    [["matrix", 1, 2], "matrix[1][2]"],
  ] satisfies (readonly [KeyPath, string])[]
) {
  Deno.test({
    name: `formatKeyPath() of ${JSON.stringify(path)}`,
    permissions: "none",
    fn: () => strictEqual(formatKeyPath(path), expected),
  });
}

Deno.test({
  name: "formatComplaint() is one sentence of place, expectation and finding",
  permissions: "none",
  fn: () =>
    strictEqual(
      formatComplaint({ path: ["ports", 0], expected: '"host:container"', found: '"80"' }),
      'ports[0]: expected "host:container", found "80"',
    ),
});

Deno.test({
  name: "formatComplaint() ends with the hint",
  permissions: "none",
  fn: () =>
    strictEqual(
      formatComplaint({
        path: ["imgae"],
        expected: "a known key",
        found: '"imgae"',
        hint: 'did you mean "image"?',
      }),
      'imgae: expected a known key, found "imgae" (did you mean "image"?)',
    ),
});

Deno.test({
  name: "formatComplaint() names no place for the document itself",
  permissions: "none",
  fn: () =>
    strictEqual(
      formatComplaint({ path: [], expected: "a table", found: "a list" }),
      "expected a table, found a list",
    ),
});
