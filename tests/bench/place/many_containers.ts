/**
 * A node with many containers on it, all of one service.
 *
 * @module
 */

import { type ImageRegistry, startImageRegistry } from "../../../deploy/sandbox/image_registry.ts";
import { ScriptImages, scripts } from "../../support/script_images.ts";
import type { BenchNode } from "./bench_node.ts";

/** The service that has them. */
export const manyService = "many";

/** What they run, which ends at SIGTERM at once. */
export interface ManyContainers extends AsyncDisposable {
  readonly image: string;
}

/**
 * Deploys them. They are on no network: nobody talks to them, and a program that forwards for each would
 * be one more process of theirs.
 *
 * @param options.restart As in a definition.
 * @param options.service Where another node has them as well: names of containers are podman's.
 */
export async function deployMany(
  node: BenchNode,
  count: number,
  { restart = "unless-stopped", service = manyService }: {
    readonly restart?: string;
    readonly service?: string;
  } = {},
): Promise<ManyContainers> {
  await using undo = new AsyncDisposableStack();
  const registry: ImageRegistry = undo.use(await startImageRegistry());
  // A podman service that is there already has not heard of this registry, but pulls nothing either.
  const images = await ScriptImages.start(registry);
  const image = await images.publish("stays", "v1", scripts.stays);
  await node.pull(image);
  const components = Array.from(
    { length: count },
    (_, index) =>
      `[[components]]\nname = "c${index + 1}"\nimage = "${image}"\npull = "missing"\n` +
      `network = "none"\nrestart = "${restart}"\n`,
  );
  await node.define(service, ...components);
  await node.mcp(["deploy", service, "--yes"]);
  const open = undo.move();
  return { image, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
