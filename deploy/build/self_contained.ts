/**
 * An executable that carries its Deno: a launcher of shell text, and a gzip'd tar behind it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type LauncherFacts, renderLauncher } from "./launcher.ts";
import { type ArchivedFile, tarEnd, tarEntry } from "./tar.ts";

/** Level 9 takes three times as long and saves 3 %. */
const level = 6;

/** The head of the archive, compressed once for all programs: by far the largest part is Deno. */
export interface DenoPart {
  readonly compressed: Uint8Array;
  readonly bytes: number;
}

/** @param content The executable that runs the program. */
export function denoPart(content: Uint8Array): DenoPart {
  const entry = tarEntry({ path: "deno", mode: 0o755, content });
  return { compressed: gzipSync(entry, { level }), bytes: content.byteLength };
}

/** What an executable is made of, besides Deno. */
export interface Parts extends Omit<LauncherFacts, "hash" | "bytes"> {
  /** `launcher.sh` */
  readonly template: string;
  readonly deno: DenoPart;
  readonly files: readonly ArchivedFile[];
}

/** Puts an executable together. The same parts make the same bytes. */
export function selfContained({ template, deno, files, ...facts }: Parts): Uint8Array {
  const rest = files.toSorted((a, b) => a.path < b.path ? -1 : 1).map(tarEntry);
  // What gzip writes in two members, it reads as one file.
  const payload = joined([
    deno.compressed,
    gzipSync(joined([...rest, tarEnd()]), { level }),
  ]);
  const launcher = renderLauncher(template, {
    ...facts,
    // 128 bits: it tells builds apart; whoever could forge one could as well edit the file.
    hash: createHash("sha256").update(payload).digest("hex").slice(0, 32),
    bytes: files.reduce((sum, { content }) => sum + content.byteLength, deno.bytes),
  });
  return joined([new TextEncoder().encode(launcher), payload]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
