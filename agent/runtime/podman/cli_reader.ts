/**
 * {@link PodmanReader} by podman's command line.
 *
 * @module
 */

import type { ImageDetail, RuntimeEvent } from "../runtime.ts";
import {
  deathsArgv,
  infoArgv,
  inspectArgv,
  inspectImageArgv,
  listArgv,
  listImagesArgv,
  listSecretsArgv,
  topArgv,
  versionArgv,
  watchArgv,
} from "./argv.ts";
import { isAbsent, isUnknownImage, type PodmanCli, requireSuccess } from "./cli.ts";
import {
  parseEvent,
  parseImages,
  parseInfo,
  parseLastDeath,
  parseListing,
  parseStoredImages,
  parseVersion,
} from "./output.ts";
import { onlyNew, type PodmanReader, tellEvents } from "./reader.ts";

/** How long podman may take. */
export interface CliReaderOptions {
  /** To answer a question. */
  readonly timeoutMs: number;
  /** To tell of events before it is run anew: no longer is one left behind by an agent that is killed. */
  readonly eventsForMs: number;
}

/** Asks by running podman. */
export class CliReader implements PodmanReader {
  readonly #cli: PodmanCli;
  readonly #timeoutMs: number;
  readonly #eventsForMs: number;

  constructor(cli: PodmanCli, { timeoutMs, eventsForMs }: CliReaderOptions) {
    this.#cli = cli;
    this.#timeoutMs = timeoutMs;
    this.#eventsForMs = eventsForMs;
  }

  async version(signal?: AbortSignal) {
    return parseVersion(await this.#read("ask podman for its version", versionArgv(), signal));
  }

  async info(signal?: AbortSignal) {
    return parseInfo(await this.#read("ask podman how it is set up", infoArgv(), signal));
  }

  async list(signal?: AbortSignal) {
    return parseListing(await this.#read("list the containers", listArgv(), signal));
  }

  async listImages(signal?: AbortSignal) {
    return parseStoredImages(await this.#read("list the images", listImagesArgv(), signal));
  }

  async listSecrets(signal?: AbortSignal) {
    const output = await this.#read("list the secrets", listSecretsArgv(), signal);
    return new Set(output.split("\n").map((name) => name.trim()).filter((name) => name !== ""));
  }

  async containers(what: string, names: readonly string[], signal: AbortSignal | undefined) {
    return await this.#inspect(what, inspectArgv(...names), isAbsent, signal);
  }

  async images(what: string, ids: readonly string[], signal: AbortSignal | undefined) {
    return await this.#inspect(what, inspectImageArgv(...ids), isUnknownImage, signal);
  }

  async inspectImages(
    images: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ImageDetail>> {
    const wanted = [...new Set(images)];
    if (wanted.length === 0) return new Map();
    const found = parseImages(await this.images("look at images", wanted, signal));
    if (found.length === wanted.length) {
      return new Map(found.map((image, at) => [wanted[at] ?? "", image]));
    }
    // Some are missing, and podman does not say in their places which: a reference that is not
    // whole ("web:v1" for "localhost/web:v1") is asked for by itself.
    const pairs = wanted.map(async (name): Promise<[string, ImageDetail][]> => {
      const named = found.find(({ names }) => names.includes(name));
      if (named !== undefined) return [[name, named]];
      if (wanted.length === 1 || found.length === 0) return [];
      return [...await this.inspectImages([name], signal)];
    });
    return new Map((await Promise.all(pairs)).flat());
  }

  async hasProcesses(name: string, signal: AbortSignal | undefined) {
    const { code } = await this.#cli.run(topArgv(name), this.#timeoutMs, signal);
    return code === 0;
  }

  async lastDeath(what: string, id: string, signal: AbortSignal | undefined) {
    return parseLastDeath(await this.#read(what, deathsArgv(id), signal));
  }

  async watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const forMs = this.#eventsForMs;
    const tellOnce = onlyNew(onEvent);
    let last: Date | undefined;
    const onLine = tellEvents(parseEvent, (event) => {
      last = event.at;
      tellOnce(event);
    });
    // Each run but the first begins with the last event that was told, or else where the one before
    // began: so nothing is lost between two of them. The first begins now, which has to be said: given
    // an end alone, podman tells all that it remembers.
    for (let since: Date | number = 0; !signal.aborted; since = last ?? forMs) {
      const beganMs = performance.now();
      const code = await this.#cli.follow(watchArgv({ forMs, since }), { signal, onLine });
      // The two clocks may differ a little. Before its time is over something is wrong: it is for
      // others to say when to try again.
      if (code !== 0 || performance.now() - beganMs < 0.9 * forMs) return;
    }
  }

  /** What is printed about those that exist; podman fails for the others, and goes on. */
  async #inspect(
    what: string,
    argv: string[],
    isMissing: (stderr: string) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const result = await this.#cli.run(argv, this.#timeoutMs, signal);
    if (result.code === 0 || !isMissing(result.stderr)) return requireSuccess(what, result);
    return result.stdout.trim() === "" ? "[]" : result.stdout;
  }

  async #read(what: string, argv: string[], signal: AbortSignal | undefined): Promise<string> {
    return requireSuccess(what, await this.#cli.run(argv, this.#timeoutMs, signal));
  }
}
