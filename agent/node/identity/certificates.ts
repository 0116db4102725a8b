/**
 * A private certificate authority, and the server certificates it vouches for.
 *
 * The only importer of the certificate library, so that only `mcp-agent init`
 * ever loads it. Nothing is read or written here: texts in, texts out. Keys
 * are P-256 throughout, which every TLS 1.3 client can verify.
 *
 * @module
 */

import { BitString, Integer, OctetString, Utf8String } from "asn1js";
import { isIP } from "node:net";
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  RelativeDistinguishedNames,
  Time,
} from "pkijs";
import { McpError } from "../../../lib/errors.ts";

/** A certificate and its key, both PEM; the key is PKCS #8 and a secret. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** What every certificate needs to be told. */
interface CertificateOptions {
  /** Whom the certificate names, for people: clients look at the hosts only. */
  readonly commonName: string;
  readonly validDays: number;
  readonly now: Date;
}

/** What a server's certificate needs to be told besides. */
export interface ServerCertificateOptions extends CertificateOptions {
  /** DNS names and IP addresses under which clients dial the server. */
  readonly hosts: readonly string[];
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const;
const dayMs = 86_400_000;
/** Clocks of other machines may be behind this one's. */
const clockSkewMs = 3_600_000;

const objectId = {
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
} as const;

/** Kinds of name in a certificate, by their tag in RFC 5280. */
const dnsNameTag = 2;
const ipAddressTag = 7;

/**
 * Makes a certificate authority that signs itself.
 *
 * It can vouch for servers, and for no further authority.
 */
export async function createAuthority(options: CertificateOptions): Promise<CertifiedKey> {
  const keys = await generateKeys();
  const name = nameOf(options.commonName);
  const certificate = await unsigned(options, keys.publicKey, name, name);
  const keyId = await keyIdOf(certificate);
  certificate.extensions = [
    extension(
      objectId.basicConstraints,
      new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(),
      { critical: true },
    ),
    // keyCertSign and cRLSign.
    extension(objectId.keyUsage, bits(0b0000_0110, 1), { critical: true }),
    extension(objectId.subjectKeyIdentifier, keyId),
  ];
  return await signed(certificate, keys.privateKey, keys.privateKey);
}

/**
 * Makes a server's certificate and key; the certificate is followed by the authority's.
 *
 * The certificate ends with its authority at the latest: past that nobody
 * would accept it, whatever it says itself.
 *
 * @throws {McpError} `invalid` when there is no host, when one is neither a DNS
 *   name nor an IP address, or when the authority cannot be read.
 */
export async function issueServerCertificate(
  authority: CertifiedKey,
  options: ServerCertificateOptions,
): Promise<CertifiedKey> {
  if (options.hosts.length === 0) {
    throw new McpError("invalid", "Cannot issue a server certificate for no host");
  }
  const hosts = options.hosts.map(generalName);
  const { issuer, signingKey } = await readAuthority(authority);
  const keys = await generateKeys();
  const certificate = await unsigned(
    options,
    keys.publicKey,
    nameOf(options.commonName),
    issuer.subject,
  );
  if (certificate.notAfter.value > issuer.notAfter.value) certificate.notAfter = issuer.notAfter;
  certificate.extensions = [
    extension(objectId.basicConstraints, new BasicConstraints({ cA: false }).toSchema(), {
      critical: true,
    }),
    // digitalSignature: all that TLS 1.3 asks of a server's key.
    extension(objectId.keyUsage, bits(0b1000_0000, 7), { critical: true }),
    extension(
      objectId.extendedKeyUsage,
      new ExtKeyUsage({ keyPurposes: [objectId.serverAuthentication] }).toSchema(),
    ),
    extension(objectId.subjectAltName, new GeneralNames({ names: hosts }).toSchema()),
    extension(objectId.subjectKeyIdentifier, await keyIdOf(certificate)),
    extension(
      objectId.authorityKeyIdentifier,
      new AuthorityKeyIdentifier({ keyIdentifier: await keyIdOf(issuer) }).toSchema(),
    ),
  ];
  const leaf = await signed(certificate, signingKey, keys.privateKey);
  return { certificate: leaf.certificate + authority.certificate, key: leaf.key };
}

/**
 * The bytes of the first certificate in a PEM text.
 *
 * @throws {McpError} `invalid` when there is none.
 */
export function certificateDer(pem: string): Uint8Array<ArrayBuffer> {
  return pemToDer("CERTIFICATE", pem);
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

async function unsigned(
  { validDays, now }: CertificateOptions,
  publicKey: CryptoKey,
  subject: RelativeDistinguishedNames,
  issuer: RelativeDistinguishedNames,
): Promise<Certificate> {
  const certificate = new Certificate();
  certificate.version = 2; // Counted from 0: X.509 v3.
  certificate.serialNumber = new Integer({ valueHex: serialNumber().buffer });
  certificate.subject = subject;
  certificate.issuer = issuer;
  certificate.notBefore = timeOf(new Date(now.getTime() - clockSkewMs));
  certificate.notAfter = timeOf(new Date(now.getTime() + validDays * dayMs));
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  return certificate;
}

async function signed(
  certificate: Certificate,
  signingKey: CryptoKey,
  ownKey: CryptoKey,
): Promise<CertifiedKey> {
  await certificate.sign(signingKey, "SHA-256");
  return {
    certificate: toPem("CERTIFICATE", certificate.toSchema(true).toBER(false)),
    key: toPem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", ownKey)),
  };
}

async function readAuthority(
  authority: CertifiedKey,
): Promise<{ readonly issuer: Certificate; readonly signingKey: CryptoKey }> {
  const certificate = certificateDer(authority.certificate);
  const key = pemToDer("PRIVATE KEY", authority.key);
  try {
    return {
      issuer: Certificate.fromBER(certificate),
      signingKey: await crypto.subtle.importKey("pkcs8", key, keyAlgorithm, false, ["sign"]),
    };
  } catch (error) {
    throw new McpError("invalid", "Cannot read the certificate authority", { cause: error });
  }
}

/** 16 random bytes; the first one is neither negative nor a zero that DER would leave out. */
function serialNumber(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

/** From 2050 on, RFC 5280 wants the form of time that has four digits of the year. */
function timeOf(value: Date): Time {
  return new Time({ type: value.getUTCFullYear() < 2050 ? 0 : 1, value });
}

function nameOf(commonName: string): RelativeDistinguishedNames {
  return new RelativeDistinguishedNames({
    typesAndValues: [
      new AttributeTypeAndValue({
        type: objectId.commonName,
        value: new Utf8String({ value: commonName }),
      }),
    ],
  });
}

/** Identifies a key by the SHA-1 of its bits: RFC 5280's own way, a name and not a protection. */
async function keyIdOf(certificate: Certificate): Promise<OctetString> {
  const bytes = certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  return new OctetString({ valueHex: await crypto.subtle.digest("SHA-1", new Uint8Array(bytes)) });
}

function extension(
  extnID: string,
  value: { toBER(sizeOnly: boolean): ArrayBuffer },
  { critical }: { readonly critical: boolean } = { critical: false },
): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER(false) });
}

function bits(byte: number, unusedBits: number): BitString {
  return new BitString({ valueHex: Uint8Array.of(byte).buffer, unusedBits });
}

function generalName(host: string): GeneralName {
  if (isIP(host) !== 0 && !host.includes("%")) {
    const valueHex = addressBytes(host).buffer;
    return new GeneralName({ type: ipAddressTag, value: new OctetString({ valueHex }) });
  }
  if (!/^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(host)) {
    throw new McpError(
      "invalid",
      `Cannot issue a certificate for ${JSON.stringify(host)}: ` +
        "it is neither a DNS name nor an IP address",
    );
  }
  return new GeneralName({ type: dnsNameTag, value: host });
}

/** The 4 or 16 bytes of an IP address that is known to be one. */
function addressBytes(address: string): Uint8Array<ArrayBuffer> {
  if (isIP(address) === 4) return Uint8Array.from(address.split("."), Number);
  // A URL's host is written in one form only: hexadecimal groups, at most one "::".
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = [], tail = []] = canonical.split("::")
    .map((half) => half === "" ? [] : half.split(":"));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Uint8Array.from(
    [...head, ...zeros, ...tail].map((group) => parseInt(group, 16))
      .flatMap((group) => [group >> 8, group & 0xff]),
  );
}

function toPem(label: string, der: ArrayBuffer): string {
  const lines = new Uint8Array(der).toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function pemToDer(label: string, pem: string): Uint8Array<ArrayBuffer> {
  const body = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`)
    .exec(pem)?.[1];
  try {
    if (body !== undefined) return Uint8Array.fromBase64(body);
  } catch {
    // Told below: what stands between the lines is not Base64.
  }
  throw new McpError("invalid", `Cannot read the PEM text: it holds no ${label}`);
}
