import { deepStrictEqual } from "node:assert/strict";
import { holderOf } from "./claims.ts";

const usual = { roleClaim: "roles", adminRole: "admin", subjectClaim: "sub" };

const cases: readonly (readonly [
  given: string,
  claims: Readonly<Record<string, unknown>>,
  rules: Partial<typeof usual>,
  holder: { readonly subject: string; readonly roles: readonly string[] } | undefined,
])[] = [
  ["a list of roles", { sub: "ada", roles: ["dev", "admin"] }, {}, {
    subject: "ada",
    roles: ["dev", "admin"],
  }],
  ["one role as a text", { sub: "ada", roles: "admin" }, {}, { subject: "ada", roles: ["admin"] }],
  ["a text of several words", { sub: "ada", roles: "no admin" }, {}, {
    subject: "ada",
    roles: ["no admin"],
  }],
  ["no roles", { sub: "ada" }, {}, { subject: "ada", roles: [] }],
  ["roles that are no texts", { sub: "ada", roles: [1, null, ["admin"], { admin: true }] }, {}, {
    subject: "ada",
    roles: [],
  }],
  ["roles that are something else", { sub: "ada", roles: { admin: true } }, {}, {
    subject: "ada",
    roles: [],
  }],
  [
    "another role that makes an admin",
    { sub: "ada", roles: ["mcp-admin"] },
    { adminRole: "mcp-admin" },
    { subject: "ada", roles: ["admin"] },
  ],
  [
    "a role of the name admin, which does not make one",
    { sub: "ada", roles: ["admin", "dev"] },
    { adminRole: "mcp-admin" },
    { subject: "ada", roles: ["dev"] },
  ],
  [
    "a path",
    { sub: "ada", realm_access: { roles: ["admin"] } },
    { roleClaim: "realm_access.roles" },
    { subject: "ada", roles: ["admin"] },
  ],
  [
    "a path that leads nowhere",
    { sub: "ada", realm_access: "admin" },
    { roleClaim: "realm_access.roles" },
    { subject: "ada", roles: [] },
  ],
  [
    "a claim with dots in its name",
    { sub: "ada", "https://example.com/roles": ["admin"] },
    { roleClaim: "https://example.com/roles" },
    { subject: "ada", roles: ["admin"] },
  ],
  ["the name of what every object has", { sub: "ada" }, { roleClaim: "constructor.name" }, {
    subject: "ada",
    roles: [],
  }],
  [
    "another claim for the subject",
    { sub: "1f2e", email: "ada@example.com" },
    { subjectClaim: "email" },
    { subject: "ada@example.com", roles: [] },
  ],
  ["no subject", { roles: ["admin"] }, {}, undefined],
  ["an empty subject", { sub: " ", roles: ["admin"] }, {}, undefined],
  ["a subject that is no text", { sub: 7, roles: ["admin"] }, {}, undefined],
];
for (const [given, claims, rules, holder] of cases) {
  Deno.test({
    name: `holderOf() given ${given}`,
    permissions: "none",
    fn: () => deepStrictEqual(holderOf(claims, { ...usual, ...rules }), holder),
  });
}
