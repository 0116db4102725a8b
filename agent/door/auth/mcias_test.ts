import { deepStrictEqual, rejects } from "node:assert/strict";
import { McpError } from "../../../lib/errors.ts";
import type { TokenReport } from "../../../lib/mcias/client.ts";
import { MciasVerifier } from "./mcias.ts";

const now = new Date("2030-01-01T12:00:00Z");

function verifierOf(validate: (token: string) => Promise<TokenReport>) {
  return new MciasVerifier({ validate }, { now: () => now });
}

function report(change: Partial<TokenReport> = {}): Promise<TokenReport> {
  const expiresAt = new Date(now.getTime() + 60_000);
  return Promise.resolve({ valid: true, subject: "ada", roles: ["admin"], expiresAt, ...change });
}

Deno.test({
  name: "MciasVerifier.verify() gives the subject, the roles and the end that MCIAS tells",
  permissions: "none",
  fn: async () =>
    deepStrictEqual(await verifierOf(() => report({ roles: ["viewer", "x"] })).verify("a"), {
      subject: "ada",
      roles: ["viewer", "x"],
      expiresAt: new Date("2030-01-01T12:01:00Z"),
    }),
});

Deno.test({
  name: "MciasVerifier.verify() takes a token whose end MCIAS does not tell",
  permissions: "none",
  fn: async () => {
    const caller = await verifierOf(() => report({ expiresAt: undefined })).verify("a");
    deepStrictEqual(caller.expiresAt, undefined);
  },
});

for (
  const [given, change] of [
    ["a token that is not valid", { valid: false }],
    ["a token that ends now", { expiresAt: now }],
    ["a token that has ended, though MCIAS calls it valid", { expiresAt: new Date(0) }],
  ] as const
) {
  Deno.test({
    name: `MciasVerifier.verify() refuses ${given}`,
    permissions: "none",
    fn: () =>
      rejects(verifierOf(() => report(change)).verify("a"), {
        kind: "unauthenticated",
        hint: "Run `mcp login`",
      }),
  });
}

Deno.test({
  name: "MciasVerifier.verify() passes on that MCIAS cannot be asked",
  permissions: "none",
  fn: () =>
    rejects(verifierOf(() => Promise.reject(new McpError("unavailable", "No"))).verify("a"), {
      kind: "unavailable",
    }),
});
