import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isSecretVersionName, parseSecretVersionName, secretVersionName } from "./secret_name.ts";

const long = "a".repeat(63);

Deno.test({
  name: "secretVersionName() can be read again",
  permissions: "none",
  fn: () => {
    for (const version of [1, 9, 120]) {
      const named = { service: "mc-proxy", secret: "db-password", version };
      deepStrictEqual(parseSecretVersionName(secretVersionName(named)), named);
    }
  },
});

Deno.test({
  name: "secretVersionName() tells services and secrets apart that differ in a dash only",
  permissions: "none",
  fn: () => {
    const one = secretVersionName({ service: "a-b", secret: "c", version: 1 });
    const other = secretVersionName({ service: "a", secret: "b-c", version: 1 });
    ok(one !== other);
  },
});

Deno.test({
  name: "secretVersionName() is never longer than podman takes, and still of one secret only",
  permissions: "none",
  fn: () => {
    const names = [long, `${long.slice(1)}b`].flatMap((secret) =>
      [1, 123_456].map((version) => secretVersionName({ service: long, secret, version }))
    );
    strictEqual(new Set(names).size, 4);
    for (const name of names) {
      ok(name.length <= 64);
      ok(isSecretVersionName(name));
      strictEqual(parseSecretVersionName(name), undefined);
    }
  },
});

for (const foreign of ["tok", "mcp.shop", "mcp.shop.key", "mcp.shop.key.0", "mcp.A.b.1.2", ""]) {
  Deno.test({
    name: `isSecretVersionName() does not take ${JSON.stringify(foreign)} for one of ours`,
    permissions: "none",
    fn: () => strictEqual(isSecretVersionName(foreign), false),
  });
}
