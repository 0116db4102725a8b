/**
 * LiveCheck: look at the runtime, then tell what is there.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { type ComponentRecord, listServices } from "../../registry/services.ts";
import type { Response } from "./call.ts";
import type { Rooms } from "./rooms.ts";
import { servicesToWire } from "./service_info.ts";

/**
 * All services, with the states just seen.
 *
 * @throws {McpError} `unavailable` when the runtime cannot be asked.
 */
export async function liveCheck(
  { observer, registry, runtime }: Rooms,
): Promise<Response<"liveCheck">> {
  await observer.observeAnew();
  const services = listServices(registry);
  return { services: servicesToWire(services, await movedTags(runtime, services)) };
}

/** Whose tags mean other images by now; one question for all. */
async function movedTags(
  runtime: Rooms["runtime"],
  services: ReturnType<typeof listServices>,
): Promise<(component: ComponentRecord) => boolean> {
  const references = services.flatMap(({ components }) =>
    components.flatMap(({ deployment }) => deployment?.spec.image ?? [])
  );
  try {
    const images = await runtime.inspectImages(references);
    return ({ deployment }) => {
      const now = deployment && images.get(deployment.spec.image);
      return now !== undefined && deployment?.imageId !== "" && now.id !== deployment?.imageId;
    };
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    // What runs was seen; what its tags mean is only worth knowing besides.
    log.agent.warn("Cannot see what the tags of images mean: {reason}", {
      reason: errorChain(error),
    });
    return () => false;
  }
}
