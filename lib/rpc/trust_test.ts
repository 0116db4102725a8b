import { strictEqual, throws } from "node:assert/strict";
import { sentName, Trust } from "./trust.ts";

Deno.test({
  name: "sentName() is a name of its own making for an IP address only",
  permissions: "none",
  fn: () => {
    strictEqual(sentName("rift"), "rift");
    for (const host of ["127.0.0.1", "::1"]) strictEqual(sentName(host), "mcp-agent");
  },
});

Deno.test({
  name: "Trust refuses a CA that is no certificate",
  permissions: "none",
  fn: () => {
    for (const ca of ["", "rift", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]) {
      throws(() => new Trust(ca), { name: "McpError", kind: "invalid" });
    }
  },
});
