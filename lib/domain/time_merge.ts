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
export interface TimeMergeOptions<Item> {
  /** For how long an item waits for earlier ones; Infinity = until every stream has told more. */
  readonly holdMs: (item: Item) => number;
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
  readonly cameAtMs: number;
}

interface Stream<Item> {
  held: Held<Item>[];
  weight: number;
  /** How many were dropped before the first that is held. */
  skipped: number;
  /** Whether there may be more to come, so that others wait for it. */
  isOpen: boolean;
  /** Streams of one source come through one door: where one does not get through, none does. */
  source: string;
  /** Whether it was full, and is not half empty yet. */
  isBlocking: boolean;
}

/** Puts streams in order. */
export class TimeMerge<Item extends Timed> {
  readonly #options: TimeMergeOptions<Item>;
  readonly #streams = new Map<string, Stream<Item>>();

  constructor(options: TimeMergeOptions<Item>) {
    this.#options = options;
  }

  /**
   * There will be more of this stream: the others wait for it.
   *
   * @param source What it has in common with streams that are not read on while one of them is full.
   */
  open(stream: string, source: string = stream): void {
    const opened = this.#stream(stream);
    opened.isOpen = true;
    opened.source = source;
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

  /** Holds an item of a stream; of one that is full, the oldest is passed over. */
  add(stream: string, item: Item, nowMs: number): void {
    const into = this.#stream(stream);
    while (this.isFull(stream)) {
      const oldest = into.held.shift();
      if (oldest === undefined) break;
      into.weight -= this.#options.weightOf(oldest.item);
      into.skipped++;
    }
    into.held.push({ item, cameAtMs: nowMs });
    into.weight += this.#options.weightOf(item);
    if (this.isFull(stream)) into.isBlocking = true;
  }

  /** Takes out what may be told now, the earliest first, at most about so much. */
  take(nowMs: number, most: { readonly items: number; readonly weight: number }): Merged<Item>[] {
    const taken: Merged<Item>[] = [];
    for (let weight = 0; taken.length < most.items && weight < most.weight;) {
      const next = this.#earliest();
      if (next === undefined || this.#waitMs(next.first, nowMs) > 0) break;
      const { name, stream, first: { item } } = next;
      if (stream.skipped > 0) {
        taken.push({ stream: name, skipped: stream.skipped, at: item.at });
        stream.skipped = 0;
      }
      stream.held.shift();
      stream.weight -= this.#options.weightOf(item);
      weight += this.#options.weightOf(item);
      const { mostItems, mostWeight } = this.#options;
      if (stream.held.length <= mostItems / 2 && stream.weight <= mostWeight / 2) {
        stream.isBlocking = false;
      }
      taken.push({ stream: name, item });
    }
    return taken;
  }

  /** How long until something may be told if nothing more comes; undefined: nothing is held. */
  waitMs(nowMs: number): number | undefined {
    const next = this.#earliest();
    return next && this.#waitMs(next.first, nowMs);
  }

  #waitMs({ item, cameAtMs }: Held<Item>, nowMs: number): number {
    const streams = [...this.#streams];
    const blocked = new Set(
      streams.filter(([_, { isBlocking }]) => isBlocking).map(([_, { source }]) => source),
    );
    const mayTellMore = ({ held, isOpen, source }: Stream<Item>) =>
      isOpen && held.length === 0 && !blocked.has(source);
    if (!streams.some(([_, stream]) => mayTellMore(stream))) return 0;
    return Math.max(0, cameAtMs + this.#options.holdMs(item) - nowMs);
  }

  #earliest() {
    let earliest:
      | { readonly name: string; readonly stream: Stream<Item>; readonly first: Held<Item> }
      | undefined;
    for (const [name, stream] of this.#streams) {
      const [first] = stream.held;
      if (first === undefined) continue;
      if (earliest === undefined || first.item.at < earliest.first.item.at) {
        earliest = { name, stream, first };
      }
    }
    return earliest;
  }

  #stream(name: string): Stream<Item> {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const made = {
      held: [],
      weight: 0,
      skipped: 0,
      isOpen: false,
      source: name,
      isBlocking: false,
    };
    this.#streams.set(name, made);
    return made;
  }
}
