/**
 * {@link PodmanReader} by podman's API service: without a child process, which is what most of the
 * time of an inspection goes into.
 *
 * @module
 */

import type { ImageDetail, RuntimeEvent } from "../runtime.ts";
import { isOfNothing, PodmanApi, type PodmanSocket, requireTold } from "./api.ts";
import {
  hasAnyProcess,
  parseLastServiceDeath,
  parseSecretNames,
  parseServiceEvent,
  versionOfHead,
} from "./api_output.ts";
import {
  containerPath,
  deathsPath,
  imagePath,
  infoPath,
  listImagesPath,
  listPath,
  listSecretsPath,
  pingPath,
  topPath,
  watchPath,
} from "./api_path.ts";
import { parseImages, parseInfo, parseListing, parseStoredImages } from "./output.ts";
import { onlyNew, type PodmanReader, tellEvents } from "./reader.ts";

/** Asks the API service. */
export class ApiReader implements PodmanReader {
  readonly #api: PodmanApi;

  constructor(socket: PodmanSocket, timeoutMs: number) {
    this.#api = new PodmanApi(socket, timeoutMs);
  }

  async version(signal?: AbortSignal) {
    const answer = await this.#api.ask({ path: pingPath(), signal });
    requireTold("ask podman for its version", answer);
    return versionOfHead(answer.headers);
  }

  async info(signal?: AbortSignal) {
    const what = "ask podman how it is set up";
    return parseInfo(await this.#api.read({ what, path: infoPath(), signal }));
  }

  async list(signal?: AbortSignal) {
    const what = "list the containers";
    return parseListing(await this.#api.read({ what, path: listPath(), signal }));
  }

  async listImages(signal?: AbortSignal) {
    const what = "list the images";
    return parseStoredImages(await this.#api.read({ what, path: listImagesPath(), signal }));
  }

  async listSecrets(signal?: AbortSignal) {
    const what = "list the secrets";
    return parseSecretNames(await this.#api.read({ what, path: listSecretsPath(), signal }));
  }

  async containers(what: string, names: readonly string[], signal: AbortSignal | undefined) {
    return asList(await this.#api.find(what, names.map(containerPath), signal));
  }

  async images(what: string, ids: readonly string[], signal: AbortSignal | undefined) {
    return asList(await this.#api.find(what, ids.map(imagePath), signal));
  }

  async inspectImages(
    images: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ImageDetail>> {
    const wanted = [...new Set(images)];
    const told = await this.#api.find("look at images", wanted.map(imagePath), signal);
    const found = parseImages(asList(told));
    const there = wanted.filter((_, at) => told[at] !== undefined);
    return new Map(found.map((image, at) => [there[at] ?? "", image]));
  }

  async hasProcesses(name: string, signal: AbortSignal | undefined) {
    const answer = await this.#api.ask({ path: topPath(name), signal });
    // Of a container without any, podman 4.3 tells nothing, and 5 that it has failed.
    if (answer.status === 500 || isOfNothing(answer)) return false;
    return hasAnyProcess(requireTold(`see the processes of container "${name}"`, answer));
  }

  async lastDeath(what: string, id: string, signal: AbortSignal | undefined) {
    const answer = await this.#api.ask({ path: deathsPath(id), signal });
    return parseLastServiceDeath(requireTold(what, answer));
  }

  async watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const streams = new AbortController();
    const callOff = () => streams.abort(signal.reason);
    signal.addEventListener("abort", callOff, { once: true });
    if (signal.aborted) callOff();
    const question = { what: "watch the containers", path: watchPath(), signal: streams.signal };
    const tellOnce = onlyNew(onEvent);
    let failure: unknown;
    const follow = async () => {
      try {
        await this.#api.follow(question, tellEvents(parseServiceEvent, tellOnce));
      } catch (error) {
        // Called off before it began: that is how it is meant to end.
        if (!streams.signal.aborted) failure = error;
      } finally {
        // One that has ended may have been the only one that would have told: then both begin anew.
        streams.abort();
      }
    };
    let second: Promise<void> | undefined;
    const timer = setTimeout(() => second = follow(), streamsApartMs);
    await follow();
    clearTimeout(timer);
    await second;
    signal.removeEventListener("abort", callOff);
    if (failure !== undefined) throw failure;
  }
}

/**
 * podman looks at its file of events every 250 ms (4.3: it tails it by polling), for each stream counted
 * from when that began. Two that began half of that apart tell of a death 125 ms after it was written,
 * at most.
 */
const streamsApartMs = 125;

/** What is told of each thing by itself, as podman prints it of many. */
function asList(told: readonly (string | undefined)[]): string {
  return `[${told.filter((each) => each !== undefined).join(",")}]`;
}
