/**
 * The images of the node: which of them are kept to go back to, and removing the others.
 *
 * @module
 */

import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import { neededImages } from "../../registry/history.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ContainerRuntime, StoredImage } from "../../runtime/runtime.ts";
import { planPrune } from "./prune_plan.ts";

interface ImagesOptions {
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "list" | "listImages" | "discardImage">;
  /** Of so many good revisions of each component the images are kept. */
  readonly keepRevisions: number;
  /** Trips when the agent must end. */
  readonly signal: AbortSignal;
}

/** An image that was removed, or would be. */
export interface PrunedImage {
  readonly image: StoredImage;
  /** Why it could not be removed; empty = it was, or would be. */
  readonly error: string;
}

/** Looks after images. */
export class Images {
  readonly #options: ImagesOptions;

  constructor(options: ImagesOptions) {
    this.#options = options;
  }

  /**
   * Removes the images that nobody needs.
   *
   * @throws {McpError} `unavailable` when the runtime cannot be asked; then nothing was removed.
   */
  async prune(options: { readonly dryRun: boolean }): Promise<PrunedImage[]> {
    const { runtime, signal } = this.#options;
    const { images } = await this.#look();
    const pruned: PrunedImage[] = [];
    for (const image of images) {
      // What is needed may have changed while the others were removed.
      if (!options.dryRun && !this.#isUnneeded(image)) continue;
      try {
        if (!options.dryRun) await runtime.discardImage(image, signal);
        pruned.push({ image, error: "" });
      } catch (error) {
        if (!(error instanceof McpError) || signal.aborted) throw error;
        pruned.push({ image, error: errorChain(error) });
      }
    }
    return pruned;
  }

  /** Ids of the images that are on the node, and stay; none when the runtime cannot be asked. */
  async kept(): Promise<ReadonlySet<string>> {
    try {
      const { all, images } = await this.#look();
      const gone = new Set(images.map(({ id }) => id));
      return new Set(all.map(({ id }) => id).filter((id) => !gone.has(id)));
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      log.agent.warn("Cannot see which images are on the node: {reason}", {
        reason: errorChain(error),
      });
      return new Set();
    }
  }

  async #look() {
    const { registry, runtime, keepRevisions, signal } = this.#options;
    const [all, containers] = await Promise.all([
      runtime.listImages(signal),
      runtime.list(signal),
    ]);
    return { all, images: planPrune(all, neededImages(registry, keepRevisions), containers) };
  }

  #isUnneeded(image: StoredImage): boolean {
    const { registry, keepRevisions } = this.#options;
    return planPrune([image], neededImages(registry, keepRevisions), []).length > 0;
  }
}
