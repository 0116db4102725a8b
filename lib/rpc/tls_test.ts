import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { clientIdentity, Trust } from "./tls.ts";

Deno.test({
  name: "clientIdentity() sends a name of its own making for an IP address only",
  permissions: "none",
  fn: () => {
    deepStrictEqual(clientIdentity("rift", new Trust(undefined)).channelOptions, {});
    for (const host of ["127.0.0.1", "::1"]) {
      strictEqual(
        clientIdentity(host, new Trust(undefined)).channelOptions["grpc.ssl_target_name_override"],
        "mcp-agent",
      );
    }
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
