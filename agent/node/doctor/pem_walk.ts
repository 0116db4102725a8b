/**
 * Finds the certificates that services keep below a folder.
 *
 * The walk ends: in depth, in names, in time. It follows no link, so it cannot leave the folder nor
 * turn in a circle. What it may not read it counts. Of a file it keeps what its certificates say;
 * a key that lies in the same file is never looked at.
 *
 * @module
 */

import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type CertificateFacts, certificatesIn } from "../../../lib/pem.ts";

/** A file that holds certificates. */
export interface PemFile {
  readonly path: string;
  /** The one that ends first. */
  readonly first: CertificateFacts;
}

/** What a walk found, and what it did not get to see. */
export interface PemWalk {
  readonly files: readonly PemFile[];
  /** Files by whose name a certificate was to be expected, and that hold none that can be read. */
  readonly withoutCertificate: readonly string[];
  /** Collections of authorities; some of those are always old, and nothing depends on one of them. */
  readonly bundles: readonly string[];
  /** Folders and files that could not be read. */
  readonly unreadable: readonly string[];
  /** Why it ended before its end; undefined when it did not. */
  readonly cut: string | undefined;
}

/** How far a walk goes. */
interface WalkLimits {
  readonly depth: number;
  /** Names that are looked at. */
  readonly names: number;
  readonly timeMs: number;
}

/** As much as a node's services have, and no more than anybody waits for. */
export const walkLimits: WalkLimits = { depth: 8, names: 50_000, timeMs: 5_000 };

const nameOfCertificates = /\.(pem|crt|cert|cer)$/i;
const largestFile = 1024 * 1024;
/** A chain has fewer. */
const smallestBundle = 10;

/** Walks below a folder, nearest first. */
export async function walkForPem(root: string, limits = walkLimits): Promise<PemWalk> {
  const found: PemFile[] = [];
  const withoutCertificate: string[] = [];
  const bundles: string[] = [];
  const unreadable: string[] = [];
  const until = performance.now() + limits.timeMs;
  let names = 0;
  let cut: string | undefined;
  let folders = [root];
  for (let depth = 0; folders.length > 0 && cut === undefined; depth++) {
    const next: string[] = [];
    for (const folder of folders) {
      if (cut !== undefined) break;
      let entries;
      try {
        entries = await readdir(folder, { withFileTypes: true });
      } catch (error) {
        if (isGone(error)) continue;
        unreadable.push(folder);
        continue;
      }
      for (const entry of entries) {
        if (++names > limits.names) cut = `there are more than ${limits.names} names`;
        else if (performance.now() > until) cut = `it took longer than ${limits.timeMs / 1000} s`;
        if (cut !== undefined) break;
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
          next.push(path);
          continue;
        }
        if (!entry.isFile() || !nameOfCertificates.test(entry.name)) continue;
        try {
          const read = await readPem(path);
          if (read === "bundle") bundles.push(path);
          else if (read !== undefined) found.push({ path, first: read });
          else withoutCertificate.push(path);
        } catch (error) {
          if (!isGone(error)) unreadable.push(path);
        }
      }
    }
    folders = next;
    if (depth + 1 >= limits.depth && next.length > 0) {
      cut ??= `folders deeper than ${limits.depth} were left out`;
    }
  }
  return { files: newest(found), withoutCertificate, bundles, unreadable, cut };
}

/**
 * Of files that differ in a number at the end of their name only, the latest: who renews
 * certificates (certbot, for one) keeps the old ones as `cert1.pem`, `cert2.pem`.
 */
function newest(files: readonly PemFile[]): PemFile[] {
  const latest = new Map<string, { readonly at: number; readonly file: PemFile }>();
  for (const file of files) {
    const [, stem = "", number, ending = ""] = /^(.*?)(\d*)(\.\w+)$/.exec(basename(file.path)) ??
      [];
    const key = number === "" ? file.path : join(dirname(file.path), `${stem}#${ending}`);
    const at = Number(number ?? 0);
    const known = latest.get(key);
    if (known === undefined || known.at < at) latest.set(key, { at, file });
  }
  return [...latest.values()].map(({ file }) => file);
}

async function readPem(path: string): Promise<CertificateFacts | "bundle" | undefined> {
  // Once more, without following: somebody may have put another thing there, to read which is to wait.
  const info = await lstat(path);
  if (!info.isFile() || info.size > largestFile) return undefined;
  const { certificates } = certificatesIn(await readFile(path, "latin1"));
  if (certificates.length >= smallestBundle) return "bundle";
  return certificates.toSorted((one, other) =>
    one.validUntil.getTime() - other.validUntil.getTime()
  )[0];
}

/** Services go on while they are looked at. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
