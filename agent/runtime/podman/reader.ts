/**
 * What is asked of podman without changing anything, and can be asked in two ways: by its command
 * line, and where its API service listens on a socket, there, which takes no child process.
 *
 * Both answer alike: the one contract suite is passed with either.
 *
 * @module
 */

import { errorChain } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { ContainerRuntime, RuntimeEvent } from "../runtime.ts";

/** Asks podman. Names of containers may be taken for the beginning of an id: it is for others to look. */
export interface PodmanReader extends
  Pick<
    ContainerRuntime,
    "version" | "info" | "list" | "inspectImages" | "listImages" | "listSecrets" | "watch"
  > {
  /**
   * Containers closely, as JSON that is what `podman container inspect` prints of those that are
   * there: an empty list if none is.
   *
   * @param what What this is for, e.g. `inspect container "web"`.
   */
  containers(
    what: string,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<string>;
  /** Images closely, as JSON that is what `podman image inspect` prints of those that are there. */
  images(what: string, ids: readonly string[], signal: AbortSignal | undefined): Promise<string>;
  /** Whether podman finds processes in a container. */
  hasProcesses(name: string, signal: AbortSignal | undefined): Promise<boolean>;
  /** The exit code of the last death in these minutes of a container, by its whole id. */
  lastDeath(
    what: string,
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<number | undefined>;
}

/** Lines that are no events, after which a stream is given up: a bad one must not fill the log. */
const mostUnreadable = 10;

/** Takes the lines of a stream, and tells the events they are. */
export function tellEvents(
  parse: (line: string) => RuntimeEvent,
  onEvent: (event: RuntimeEvent) => void,
): (line: string) => void {
  let unreadable = 0;
  return (line) => {
    if (line.trim() === "") return;
    let event: RuntimeEvent;
    try {
      event = parse(line);
    } catch (error) {
      unreadable++;
      if (unreadable >= mostUnreadable) throw error;
      // A hint that cannot be read is one hint less: the poll will see what happened.
      log.podman.warn("{reason}", { reason: errorChain(error) });
      return;
    }
    onEvent(event);
  };
}

/** More than two streams can overlap. */
const rememberedEvents = 1_000;

/** Tells each event once, the first time that a stream has it. Each stream has them in their order. */
export function onlyNew(
  onEvent: (event: RuntimeEvent) => void,
): (event: RuntimeEvent) => void {
  const told = new Set<string>();
  return (event) => {
    const key = JSON.stringify(event);
    if (told.has(key)) return;
    told.add(key);
    for (const oldest of told) {
      if (told.size <= rememberedEvents) break;
      told.delete(oldest);
    }
    onEvent(event);
  };
}
