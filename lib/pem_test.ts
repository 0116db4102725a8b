import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { certificatesIn, requireCertificates } from "./pem.ts";

// Of an authority that no longer has a key; valid for a day in 2026.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIQbdZE5P0FoVIp44qDG/nheTAKBggqhkjOPQQDAjAWMRQw
EgYDVQQDDAtNQ1AgdGVzdCBDQTAeFw0yNjExMjAwODM5MTNaFw0yNjExMjEwOTM5
MTNaMBYxFDASBgNVBAMMC01DUCB0ZXN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEoNTMfXMwWHHc+00LqnIGCTuZLmjS3c7pUBbooMwuPtA9uufDfPufSpuq
bPGVzJT7CN80mrrTD2rv9ERzrGQd4KNFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAO
BgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFEBi4d2Uhi6/3yVI5kMI47ez8Ff3MAoG
CCqGSM49BAMCA0gAMEUCIQDH3A6LMlsZMLv6n2tcX9eIt6yflVl5DpcPbThJxwQJ
5wIgAIut7qntufV9gJQDm/qooCOCqzyXHL/fc7/iJCDw4No=
-----END CERTIFICATE-----
`;
const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

for (
  const [given, pem] of [
    ["one certificate", certificate],
    ["two certificates", certificate + certificate],
    ["words around it", `subject=CN = MCP test CA\n${certificate}\n# end\n`],
  ] as const
) {
  Deno.test({
    name: `requireCertificates() returns the text given ${given}`,
    permissions: "none",
    fn: () => strictEqual(requireCertificates("CA certificate", pem), pem),
  });
}

for (
  const [given, pem] of [
    ["nothing", ""],
    ["text", "rift"],
    ["a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
    ["bytes that are no certificate", broken],
    ["a broken certificate behind a good one", certificate + broken],
    ["half a certificate", certificate.slice(0, 200)],
  ] as const
) {
  Deno.test({
    name: `requireCertificates() refuses ${given}`,
    permissions: "none",
    fn: () =>
      throws(() => requireCertificates("CA certificate", pem), {
        name: "McpError",
        kind: "invalid",
        message: "Cannot use the CA certificate",
      }),
  });
}

Deno.test({
  name: "certificatesIn() reads names and dates, and nothing of a key beside them",
  permissions: "none",
  fn: () => {
    const key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    const facts = {
      name: "MCP test CA",
      validFrom: new Date("2026-11-20T08:39:13Z"),
      validUntil: new Date("2026-11-21T09:39:13Z"),
    };
    deepStrictEqual(certificatesIn(key + certificate + broken + certificate), {
      certificates: [facts, facts],
      unreadable: 1,
    });
    deepStrictEqual(certificatesIn(key), { certificates: [], unreadable: 0 });
  },
});
