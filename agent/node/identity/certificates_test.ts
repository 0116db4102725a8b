import {
  deepStrictEqual,
  match,
  notStrictEqual,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  certificateDer,
  createAuthority,
  issueServerCertificate,
  type ServerCertificateOptions,
} from "./certificates.ts";

const now = new Date("2031-05-04T03:02:01.000Z");
const names = { commonName: "MCP rift CA", validDays: 3650, now };
const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;

async function issue(change: Partial<ServerCertificateOptions> = {}) {
  const authority = await createAuthority(names);
  const server = await issueServerCertificate(authority, {
    commonName: "rift",
    hosts: ["rift.example"],
    validDays: 365,
    now,
    ...change,
  });
  return {
    authority: new X509Certificate(authority.certificate),
    leaf: new X509Certificate(server.certificate),
    authorityPem: authority,
    server,
  };
}

Deno.test({
  name: "createAuthority() makes an authority that vouches for itself",
  permissions: "none",
  fn: async () => {
    const { certificate, key } = await createAuthority(names);
    const authority = new X509Certificate(certificate);
    strictEqual(authority.subject, "CN=MCP rift CA");
    ok(authority.ca);
    ok(authority.checkIssued(authority));
    ok(authority.verify(authority.publicKey));
    ok(authority.checkPrivateKey(createPrivateKey(key)));
    strictEqual(authority.publicKey.asymmetricKeyType, "ec");
    strictEqual(authority.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  },
});

Deno.test({
  name: "createAuthority() starts an hour ago and ends after its days",
  permissions: "none",
  fn: async () => {
    const authority = new X509Certificate((await createAuthority(names)).certificate);
    strictEqual(Date.parse(authority.validFrom), now.getTime() - 3_600_000);
    strictEqual(Date.parse(authority.validTo), now.getTime() + 3650 * 86_400_000);
  },
});

Deno.test({
  name: "createAuthority() can end after 2050, where certificates write years differently",
  permissions: "none",
  fn: async () => {
    const { certificate } = await createAuthority({ ...names, validDays: 36_500 });
    strictEqual(new Date(new X509Certificate(certificate).validTo).getUTCFullYear(), 2131);
  },
});

Deno.test({
  name: "createAuthority() makes another serial number and another key each time",
  permissions: "none",
  fn: async () => {
    const [one, two] = [await createAuthority(names), await createAuthority(names)];
    notStrictEqual(one.key, two.key);
    const [first, second] = [one, two].map((made) => new X509Certificate(made.certificate));
    notStrictEqual(first?.serialNumber, second?.serialNumber);
    // 16 bytes, the first of them below 0x80: positive.
    match(first?.serialNumber ?? "", /^[4-7][0-9A-F]{31}$/);
  },
});

Deno.test({
  name: "issueServerCertificate() makes a certificate that its authority vouches for",
  permissions: "none",
  fn: async () => {
    const { authority, leaf, server } = await issue();
    strictEqual(leaf.subject, "CN=rift");
    strictEqual(leaf.issuer, "CN=MCP rift CA");
    strictEqual(leaf.ca, false);
    ok(leaf.checkIssued(authority));
    ok(leaf.verify(authority.publicKey));
    ok(leaf.checkPrivateKey(createPrivateKey(server.key)));
    strictEqual(Date.parse(leaf.validFrom), now.getTime() - 3_600_000);
    strictEqual(Date.parse(leaf.validTo), now.getTime() + 365 * 86_400_000);
  },
});

Deno.test({
  name: "issueServerCertificate() is not vouched for by another authority of the same name",
  permissions: "none",
  fn: async () => {
    const { leaf } = await issue();
    const other = new X509Certificate((await createAuthority(names)).certificate);
    strictEqual(leaf.verify(other.publicKey), false);
  },
});

Deno.test({
  name: "issueServerCertificate() puts the authority behind the certificate",
  permissions: "none",
  fn: async () => {
    const { authorityPem, server } = await issue();
    const chain = server.certificate.match(certificatePattern) ?? [];
    strictEqual(chain.length, 2);
    strictEqual(chain[1], authorityPem.certificate);
  },
});

Deno.test({
  name: "issueServerCertificate() ends with its authority at the latest",
  permissions: "none",
  fn: async () => {
    const { authority, leaf } = await issue({ validDays: 9_999 });
    strictEqual(leaf.validTo, authority.validTo);
  },
});

for (
  const [host, check] of [
    ["rift", (leaf) => leaf.checkHost("rift")],
    ["rift.example", (leaf) => leaf.checkHost("rift.example")],
    ["192.0.2.7", (leaf) => leaf.checkIP("192.0.2.7")],
    ["::1", (leaf) => leaf.checkIP("::1")],
    ["2001:db8::7:0:9", (leaf) => leaf.checkIP("2001:db8:0:0:0:7:0:9")],
    ["2001:DB8:1:2:3:4:5:6", (leaf) => leaf.checkIP("2001:db8:1:2:3:4:5:6")],
    ["fd00::", (leaf) => leaf.checkIP("fd00::")],
    ["::ffff:192.0.2.7", (leaf) => leaf.checkIP("::ffff:c000:207")],
  ] satisfies [string, (leaf: X509Certificate) => string | undefined][]
) {
  Deno.test({
    name: `issueServerCertificate() is valid for ${host} alone`,
    permissions: "none",
    fn: async () => {
      const { leaf } = await issue({ hosts: [host] });
      ok(check(leaf), leaf.subjectAltName ?? "no names");
      strictEqual(leaf.checkHost("elsewhere.example"), undefined);
      strictEqual(leaf.checkIP("198.51.100.1"), undefined);
    },
  });
}

Deno.test({
  name: "issueServerCertificate() names all its hosts, each as what it is",
  permissions: "none",
  fn: async () => {
    const { leaf } = await issue({ hosts: ["rift", "10.0.0.1", "fd00::1"] });
    match(leaf.subjectAltName ?? "", /^DNS:rift, IP Address:10\.0\.0\.1, IP Address:fd00:/i);
  },
});

for (const host of ["", "two words", "ümlaut.example", "a..b", "fe80::1%eth0", "x".repeat(64)]) {
  Deno.test({
    name: `issueServerCertificate() refuses the host ${JSON.stringify(host)}`,
    permissions: "none",
    fn: () => rejects(issue({ hosts: ["rift", host] }), { name: "McpError", kind: "invalid" }),
  });
}

Deno.test({
  name: "issueServerCertificate() refuses no host at all",
  permissions: "none",
  fn: () => rejects(issue({ hosts: [] }), { name: "McpError", kind: "invalid" }),
});

Deno.test({
  name: "issueServerCertificate() refuses an authority it cannot read",
  permissions: "none",
  fn: async () => {
    const options = { ...names, hosts: ["rift"] };
    const { certificate, key } = await createAuthority(names);
    const broken = [
      { certificate: "no certificate", key },
      { certificate, key: "no key" },
      { certificate, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
    ];
    for (const authority of broken) {
      await rejects(issueServerCertificate(authority, options), { kind: "invalid" });
    }
  },
});

Deno.test({
  name: "certificateDer() is the first certificate's bytes",
  permissions: "none",
  fn: async () => {
    const { leaf, server } = await issue();
    deepStrictEqual(certificateDer(server.certificate), new Uint8Array(leaf.raw));
  },
});
