import { deepStrictEqual } from "node:assert/strict";
import type { SecretUse, SecretVersion } from "../../registry/secrets.ts";
import { unneededVersions } from "./needed.ts";

const known: readonly SecretVersion[] = [1, 2, 3, 4, 5].map((version) => ({
  service: "shop",
  name: "key",
  version,
  runtimeName: `mcp.shop.key.${version}`,
  hmac: "",
}));

/** A good revision of web, with this version and this image. */
function use(revision: number, version: number, change: Partial<SecretUse> = {}): SecretUse {
  return {
    component: "web",
    revision,
    imageId: "one",
    versions: { key: version },
    outcome: "good",
    isDeployed: false,
    ...change,
  };
}

const rows: readonly (readonly [string, readonly SecretUse[], number, readonly number[]])[] = [
  ["nobody uses it", [], 3, [1, 2, 3, 4, 5]],
  ["it runs", [use(1, 1, { isDeployed: true, outcome: "bad" })], 1, [2, 3, 4, 5]],
  ["it is being rolled out", [use(1, 1, { outcome: "running" })], 1, [2, 3, 4, 5]],
  ["it never worked", [use(1, 1, { outcome: "bad" })], 3, [1, 2, 3, 4, 5]],
  ["newer ones were good", [use(1, 1), use(2, 2), use(3, 3)], 2, [1, 4, 5]],
  ["it is older than it looks", [use(3, 3), use(1, 1), use(2, 2)], 2, [1, 4, 5]],
  [
    "the newer ones are the same again and again",
    [use(1, 1), use(2, 2), use(3, 2), use(4, 2)],
    2,
    [3, 4, 5],
  ],
  [
    "it belongs to the last good image but one",
    [use(1, 1, { imageId: "zero" }), use(2, 2), use(3, 3), use(4, 4)],
    2,
    [2, 5],
  ],
  [
    "another component uses it",
    [use(1, 1, { component: "api" }), use(2, 2), use(3, 3), use(4, 4)],
    1,
    [2, 3, 5],
  ],
];
for (const [given, uses, keep, expected] of rows) {
  Deno.test({
    name: `unneededVersions() decides about a version when ${given}`,
    permissions: "none",
    fn: () =>
      deepStrictEqual(
        unneededVersions(known, uses, keep).map(({ version }) => version),
        expected,
      ),
  });
}
