/**
 * PruneImages: images that nobody runs, declares, or can go back to are removed.
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  PruneImagesRequest,
  PruneImagesResponseSchema,
} from "../../../proto/gen/mcp/v1/mcp_pb.ts";
import type { Rooms } from "./rooms.ts";

/** Removes images, or tells which would be removed; versions of secrets that nobody needs go along. */
export async function pruneImages(
  { images, secrets }: Rooms,
  { dryRun }: PruneImagesRequest,
): Promise<MessageInitShape<typeof PruneImagesResponseSchema>> {
  const pruned = await images.prune({ dryRun });
  if (!dryRun) await secrets.prune();
  return {
    images: pruned.map(({ image, error }) => ({
      id: image.id,
      names: [...image.names],
      bytes: BigInt(image.bytes),
      error,
    })),
  };
}
