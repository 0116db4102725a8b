/**
 * Decides which images nobody needs any more.
 *
 * Pure, and careful: what cannot be had again, or may be wanted in a moment, stays.
 *
 * @module
 */

import { isLocalImage } from "../../../lib/domain/image.ts";
import type { NeededImages } from "../../registry/history.ts";
import type { StoredImage } from "../../runtime/runtime.ts";

/**
 * The images that can go.
 *
 * An image stays that is needed by id or by any of its names, that any container was made from,
 * running or not, or that was built on the node: no image registry has it.
 */
export function planPrune(
  images: readonly StoredImage[],
  needed: NeededImages,
  containers: readonly { readonly imageId: string }[],
): StoredImage[] {
  const used = new Set(containers.map(({ imageId }) => imageId));
  const references = [...needed.references];
  return images.filter((image) =>
    !needed.ids.has(image.id) && !used.has(image.id) && !image.names.some(isLocalImage) &&
    !references.some((reference) => isMeantBy(reference, image))
  );
}

/** Whether a reference may mean this image; podman completes what is not whole. */
function isMeantBy(reference: string, { names, digest }: StoredImage): boolean {
  const at = reference.indexOf("@");
  if (at >= 0) return reference.slice(at + 1) === digest;
  const last = reference.split("/").at(-1) ?? "";
  const whole = last.includes(":") ? reference : `${reference}:latest`;
  return names.some((name) => name === whole || name.endsWith(`/${whole}`));
}
