/**
 * Image references: what may be one, and the version one implies.
 *
 * The grammar is that of the distribution project's reference package
 * (domain, path, tag, digest), which podman and every registry share.
 *
 * @module
 */

const domainLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domain = `(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?`;
const pathSegment = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const reference = new RegExp(
  `^(?<repository>(?:${domain}/)?${pathSegment}(?:/${pathSegment})*)` +
    `(?::(?<tag>[\\w][\\w.-]{0,127}))?(?:@(?<digest>sha256:[a-f0-9]{64}))?$`,
);

/** An image reference, apart. */
interface ImageReference {
  /** Everything before tag and digest, e.g. "registry.example:5000/metacrypt". */
  readonly repository: string;
  readonly tag: string | undefined;
  /** "sha256:" and 64 hexadecimal digits. */
  readonly digest: string | undefined;
}

/** Longest reference that is read at all; keeps matching cheap on hostile input. */
const longestReference = 512;

/** The reference apart, or undefined when the text is none. */
export function parseImage(text: string): ImageReference | undefined {
  if (text.length > longestReference) return undefined;
  const groups = reference.exec(text)?.groups;
  if (groups === undefined) return undefined;
  return { repository: groups["repository"] ?? "", tag: groups["tag"], digest: groups["digest"] };
}

/**
 * The version an image reference implies: its tag, or the start of its digest.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { imageVersion } from "./image.ts";
 *
 * strictEqual(imageVersion("registry.example:5000/metacrypt:v1.7.0"), "v1.7.0");
 * strictEqual(imageVersion("registry.example:5000/metacrypt"), "");
 * ```
 */
export function imageVersion(text: string): string {
  const image = parseImage(text);
  if (image === undefined) return "";
  return image.tag ?? image.digest?.slice("sha256:".length, "sha256:".length + 12) ?? "";
}

/**
 * Whether the image exists on the node only, and so is never pulled.
 *
 * podman names images that were built on the node and never pushed `localhost/…`.
 */
export function isLocalImage(text: string): boolean {
  return text.startsWith("localhost/");
}
