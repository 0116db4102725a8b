/**
 * Image references of other tools as whole ones.
 *
 * @module
 */

import { parseImage } from "../../lib/domain/image.ts";

/**
 * The reference with its image registry: what Docker takes for granted, podman does not.
 *
 * @example
 * ```ts
 * import { strictEqual } from "node:assert/strict";
 * import { wholeImage } from "./image.ts";
 *
 * strictEqual(wholeImage("nginx:alpine"), "docker.io/library/nginx:alpine");
 * strictEqual(wholeImage("gitea/gitea"), "docker.io/gitea/gitea");
 * strictEqual(wholeImage("registry.example/mcr:v1"), "registry.example/mcr:v1");
 * ```
 */
export function wholeImage(text: string): string {
  const image = parseImage(text);
  if (image === undefined) return text;
  const [first = "", ...rest] = image.repository.split("/");
  if (rest.length === 0) return `docker.io/library/${text}`;
  return /[.:]/.test(first) || first === "localhost" ? text : `docker.io/${text}`;
}
