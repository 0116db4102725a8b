/**
 * Several streams, each in the order of time, as one that is.
 *
 * Nobody knows whether a stream that is silent will yet tell of something earlier. So what came is
 * held back until every stream has told of something, and no longer than is said: then order gives
 * way to being told in time. Pure: who uses it says what time it is, and does the waiting.
 *
 * @module
 */

/** What has an instant, in nanoseconds since 1970. */
export interface Timed {
  readonly at: bigint;
}

/** How a merge holds back, and how much it holds. */
interface TimeMergeOptions<Item> {
  /**
   * For how long an item waits for earlier ones, of another stream of its source or of other sources;
   * Infinity = until each of those has told more.
   */
  readonly holdMs: (item: Item, earlierOnes: "of its source" | "of others") => number;
  /** How much is kept of each stream: so many items, and so many characters or bytes of theirs. */
  readonly mostItems: number;
  readonly mostWeight: number;
  readonly weightOf: (item: Item) => number;
}

/** What comes out: an item, or how many were passed over at this place. */
export type Merged<Item> =
  | { readonly stream: string; readonly item: Item }
  | { readonly stream: string; readonly skipped: number; readonly at: bigint };

interface Held<Item> {
  readonly item: Item;
  readonly weight: number;
  readonly cameAtMs: number;
}

interface Stream<Item> {
  held: Held<Item>[];
  weight: number;
  /** How many were dropped before the first that is held. */
  skipped: number;
  /** Whether there may be more to come, so that others wait for it. */
  isOpen: boolean;
  source: Source;
  /** Whether it was full, and is not half empty yet. */
  isBlocking: boolean;
}

/** Streams of one source come through one door: where one does not get through, none does. */
interface Source {
  /** How many of them are blocking. */
  blocking: number;
}

/** The stream whose turn it is, and the first that it holds. */
interface Next<Item> {
  readonly name: string;
  readonly stream: Stream<Item>;
  readonly first: Held<Item>;
}

/** Puts streams in order. */
export class TimeMerge<Item extends Timed> {
  readonly #options: TimeMergeOptions<Item>;
  readonly #streams = new Map<string, Stream<Item>>();
  readonly #sources = new Map<string, Source>();

  constructor(options: TimeMergeOptions<Item>) {
    this.#options = options;
  }

  /**
   * There will be more of this stream: the others wait for it.
   *
   * @param source What it has in common with streams that are not read on while one of them is full; it
   *   stays what it was the first time.
   */
  open(stream: string, source: string = stream): void {
    this.#stream(stream, source).isOpen = true;
  }

  /** There is nothing more of this stream, for now. */
  close(stream: string): void {
    this.#stream(stream).isOpen = false;
  }

  /** Whether as much is held of a stream as is kept. */
  isFull(stream: string): boolean {
    const { held, weight } = this.#stream(stream);
    return held.length >= this.#options.mostItems || weight >= this.#options.mostWeight;
  }

  /**
   * Holds an item of a stream; of one that is full, the oldest is passed over.
   *
   * @returns Whether something may be told sooner for it. Where it only stands in line behind others of
   *   its stream it is no news.
   */
  add(stream: string, item: Item, nowMs: number): boolean {
    const { mostItems, mostWeight, weightOf } = this.#options;
    const into = this.#stream(stream);
    let isNews = into.held.length === 0;
    while (into.held.length >= mostItems || into.weight >= mostWeight) {
      const oldest = into.held.shift();
      if (oldest === undefined) break;
      into.weight -= oldest.weight;
      into.skipped++;
      isNews = true;
    }
    const weight = weightOf(item);
    into.held.push({ item, weight, cameAtMs: nowMs });
    into.weight += weight;
    if (!into.isBlocking && (into.held.length >= mostItems || into.weight >= mostWeight)) {
      into.isBlocking = true;
      into.source.blocking++;
      isNews = true;
    }
    return isNews;
  }

  /** Takes out what may be told now, the earliest first, at most about so much. */
  take(nowMs: number, most: { readonly items: number; readonly weight: number }): Merged<Item>[] {
    const { mostItems, mostWeight } = this.#options;
    const taken: Merged<Item>[] = [];
    for (let weight = 0; taken.length < most.items && weight < most.weight;) {
      const next = this.#earliest();
      if (next === undefined || this.#waitMs(next, nowMs) > 0) break;
      const { name, stream, first } = next;
      if (stream.skipped > 0) {
        taken.push({ stream: name, skipped: stream.skipped, at: first.item.at });
        stream.skipped = 0;
      }
      stream.held.shift();
      stream.weight -= first.weight;
      weight += first.weight;
      const isHalfEmpty = stream.held.length <= mostItems / 2 && stream.weight <= mostWeight / 2;
      if (stream.isBlocking && isHalfEmpty) {
        stream.isBlocking = false;
        stream.source.blocking--;
      }
      taken.push({ stream: name, item: first.item });
    }
    return taken;
  }

  /** How long until something may be told if nothing more comes; undefined: nothing is held. */
  waitMs(nowMs: number): number | undefined {
    const next = this.#earliest();
    return next && this.#waitMs(next, nowMs);
  }

  // Asked for every item, and it makes nothing: without a JIT that would be most of the work.
  #waitMs({ stream: { source }, first: { item, cameAtMs } }: Next<Item>, nowMs: number): number {
    let mayItsSource = false;
    let mayOthers = false;
    for (const other of this.#streams.values()) {
      if (!other.isOpen || other.held.length > 0 || other.source.blocking > 0) continue;
      if (other.source === source) mayItsSource = true;
      else mayOthers = true;
    }
    if (!mayItsSource && !mayOthers) return 0;
    const holdMs = Math.max(
      mayItsSource ? this.#options.holdMs(item, "of its source") : 0,
      mayOthers ? this.#options.holdMs(item, "of others") : 0,
    );
    return Math.max(0, cameAtMs + holdMs - nowMs);
  }

  #earliest(): Next<Item> | undefined {
    let earliest: Next<Item> | undefined;
    for (const [name, stream] of this.#streams) {
      const [first] = stream.held;
      if (first === undefined) continue;
      if (earliest === undefined || first.item.at < earliest.first.item.at) {
        earliest = { name, stream, first };
      }
    }
    return earliest;
  }

  #stream(name: string, source = name): Stream<Item> {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const from = this.#sources.get(source) ?? { blocking: 0 };
    this.#sources.set(source, from);
    const made = {
      held: [],
      weight: 0,
      skipped: 0,
      isOpen: false,
      source: from,
      isBlocking: false,
    };
    this.#streams.set(name, made);
    return made;
  }
}
