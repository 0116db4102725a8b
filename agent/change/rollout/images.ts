/**
 * The images of a rollout: fetched, found on the node, and those of an earlier time.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { parseImage } from "../../../lib/domain/image.ts";
import { McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Registry } from "../../registry/registry.ts";
import { pastDeployments } from "../../registry/revisions.ts";
import type { ContainerRuntime, ImageDetail } from "../../runtime/runtime.ts";
import { batched } from "./batched.ts";
import type { ImageIdentity } from "./decide.ts";
import type { ProgressEvent } from "./execute.ts";
import { planImage } from "./plan.ts";
import { formatStep, tellStep } from "./steps.ts";
import type { RolloutRequest } from "./request.ts";

/** How one rollout fetches images. */
export interface Fetching {
  /** By component: the images of an earlier time that are meant instead. */
  readonly past: ReadonlyMap<string, ImageIdentity>;
  /**
   * What it has fetched, by reference: components of one image fetch it once, and none of them gets
   * another one because a tag has moved meanwhile.
   */
  readonly pulls: Map<string, Promise<void>>;
  readonly signal: AbortSignal;
  /** Told of it; how a fetch goes on is told to who has begun it. */
  readonly tell?: ((event: ProgressEvent) => void) | undefined;
}

/** Fetches images and says what references mean. */
export class ImageFinder {
  readonly #runtime: Pick<ContainerRuntime, "pull">;
  readonly #find: (reference: string) => Promise<ImageDetail | undefined>;

  /** @param signal Trips when the agent must end now. */
  constructor(
    runtime: Pick<ContainerRuntime, "pull" | "inspectImages">,
    signal: AbortSignal,
  ) {
    this.#runtime = runtime;
    this.#find = batched((references: readonly string[]) =>
      runtime.inspectImages(references, signal)
    );
  }

  /**
   * Fetches a component's image, where that is to be done.
   *
   * @returns What the component will be made from, where the node had it already and was asked.
   */
  async obtain(spec: ComponentSpec, fetching: Fetching): Promise<ImageIdentity | undefined> {
    const { past } = fetching;
    const image = past.get(spec.name);
    if (image !== undefined) {
      const found = await this.find(spec, past);
      const reference = byDigest(spec, image);
      if (found !== undefined || reference === undefined) return found;
      await this.#pull({ image: reference, pull: "always" }, true, fetching);
      return undefined;
    }
    const found = spec.pull === "missing" ? await this.#find(spec.image) : undefined;
    await this.#pull(spec, found !== undefined, fetching);
    return found;
  }

  /** What a component would be made from; undefined = the node does not have it. */
  async find(
    spec: ComponentSpec,
    past: ReadonlyMap<string, ImageIdentity>,
  ): Promise<ImageIdentity | undefined> {
    const image = past.get(spec.name);
    if (image === undefined) return await this.#find(spec.image);
    if (image.id !== "" && await this.#find(image.id) !== undefined) return image;
    const reference = byDigest(spec, image);
    return reference === undefined ? undefined : await this.#find(reference);
  }

  /**
   * What a component will be made from.
   *
   * @throws {McpError} `not_found` when the node does not have it.
   */
  async require(
    spec: ComponentSpec,
    past: ReadonlyMap<string, ImageIdentity>,
  ): Promise<ImageIdentity> {
    const image = await this.find(spec, past);
    if (image !== undefined) return image;
    const what = past.has(spec.name)
      ? `the image that "${spec.name}" had then, ${spec.image}, is gone`
      : `the image "${spec.image}" is not on the node`;
    throw new McpError("not_found", `Cannot deploy "${spec.name}": ${what}`);
  }

  async #pull(
    spec: Pick<ComponentSpec, "image" | "pull">,
    isHere: boolean,
    { pulls, signal, tell }: Fetching,
  ): Promise<void> {
    for (const step of planImage(spec, isHere)) {
      signal.throwIfAborted();
      log.rollout.debug("{step}", { step: formatStep(step) });
      tell?.({ kind: "step", text: tellStep(step) });
      const pull = pulls.get(step.image) ?? this.#runtime.pull(
        step.image,
        signal,
        tell && ((text) => tell({ kind: "progress", text })),
      );
      pulls.set(step.image, pull);
      await pull;
    }
  }
}

/** By what an image registry gives an image again; undefined when its digest is not known. */
function byDigest({ image }: ComponentSpec, { digest }: ImageIdentity): string | undefined {
  const repository = parseImage(image)?.repository;
  return repository === undefined || digest === "" ? undefined : `${repository}@${digest}`;
}

/**
 * What going back to a revision asks for.
 *
 * @throws {McpError} `not_found` when there is no such revision, or nothing of it to go back to.
 */
export function rollbackRequest(
  registry: Registry,
  service: string,
  revision: number,
  only: string | undefined,
): RolloutRequest {
  const past = pastDeployments(registry, service, revision);
  const hint = `Run \`mcp history ${service}\` for those there are`;
  if (past === undefined) {
    throw new McpError("not_found", `There is no revision ${revision} of "${service}"`, { hint });
  }
  const meant = past.components.filter(({ spec }) => only === undefined || spec.name === only);
  if (meant.length === 0) {
    const what = only === undefined ? service : `${service}/${only}`;
    throw new McpError(
      "conflict",
      `Cannot go back to revision ${revision} of "${what}": nothing of it ever ran`,
      { hint },
    );
  }
  const targets = meant.map(({ spec }) => spec);
  return {
    service,
    declared: { name: service, active: true, components: targets },
    targets,
    only,
    origin: "rollback",
    removesUnlisted: only === undefined && past.isWhole,
    images: new Map(
      meant.map(({ spec, imageId, imageDigest }) => [
        spec.name,
        { id: imageId, digest: imageDigest },
      ]),
    ),
    secrets: new Map(meant.map(({ spec, secrets }) => [spec.name, secrets])),
    rollBackTo: revision,
  };
}
