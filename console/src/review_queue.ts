// The doubtful readings that wait for a person, one after the other. A decision is sent while the
// next photo is already shown; what could not be sent comes back with what was typed and with the
// reason. Readings that somebody else decides leave the queue, but never from under the eyes.
import { get_reading, list_readings, review } from "./api/api";
import { error_of } from "./api/http";
import type { Reading, ReadingEdit } from "./api/openapi";
import { Value } from "./observe";

export type Decision = Omit<ReadingEdit, "version">;

export interface Item {
  reading: Reading;
  typed: string | null; // the digits, when somebody has changed them
  // Why it is here again.
  note: { code: string; message: string } | null;
}

export interface Source {
  list: typeof list_readings;
  get: typeof get_reading;
  review: typeof review;
}

const low_count = 20; // fewer waiting than this: ask for more
const real: Source = { list: list_readings, get: get_reading, review };

export class ReviewQueue {
  readonly version = new Value(0);
  items: Item[] = [];
  done = 0;
  sending = 0;
  is_loaded = false;
  private cursor: string | null = "";
  private loading = false;
  private readonly decided = new Set<number>();

  constructor(private readonly source: Source = real) {}

  current(): Item | undefined {
    return this.items[0];
  }

  // The newest page again, and what it has that is not known. Throws what went wrong.
  async refresh(): Promise<void> {
    const page = await this.source.list({ verdict: "doubtful" });
    const last = page.items.at(-1);
    // While nobody listened more may have come than a page has: those behind it come next.
    if (this.cursor === "" || (last !== undefined && page.next !== null && !this.knows(last.id)))
      this.cursor = page.next;
    this.is_loaded = true;
    this.add(page.items);
  }

  // Up to a page that has something new.
  async load_more(): Promise<void> {
    if (this.loading || !this.is_loaded || this.items.length >= low_count) return;
    this.loading = true;
    try {
      for (let is_new = false; !is_new && this.cursor !== null; ) {
        const { cursor } = this;
        const page = await this.source.list({ verdict: "doubtful", cursor });
        if (this.cursor === cursor) this.cursor = page.next;
        is_new = this.add(page.items);
      }
    } finally {
      this.loading = false;
    }
  }

  type(digits: string): void {
    const [first, ...rest] = this.items;
    if (first === undefined) return;
    this.items = [{ ...first, typed: digits === first.reading.digits ? null : digits }, ...rest];
    this.changed();
  }

  skip(): void {
    const [first, ...rest] = this.items;
    if (first === undefined) return;
    this.items = [...rest, first];
    this.changed();
  }

  // The next is shown at once; resolves when this one is stored or back.
  async decide(decision: Decision): Promise<void> {
    const [item, ...rest] = this.items;
    if (item === undefined) return;
    const { reading } = item;
    this.items = rest;
    this.decided.add(reading.id);
    ++this.sending;
    this.changed();
    try {
      await this.source.review(reading.id, { ...decision, version: reading.version });
      ++this.done;
    } catch (error) {
      const { code, message } = error_of(error);
      const typed = decision.digits ?? item.typed;
      this.put_back({ reading: await this.newest_of(reading), typed, note: { code, message } });
    } finally {
      --this.sending;
      this.changed();
    }
    this.load_more().catch(() => undefined);
  }

  // Live news of any reading.
  take(reading: Reading): void {
    if (this.decided.has(reading.id)) return;
    const index = this.items.findIndex((item) => item.reading.id === reading.id);
    if (index < 0) {
      if (reading.verdict === "doubtful" && this.is_loaded) this.add([reading]);
      return;
    }
    const item = this.items[index]!;
    if (reading.version <= item.reading.version) return;
    if (index > 0 && reading.verdict !== "doubtful" && item.typed === null)
      this.items = this.items.filter((one) => one !== item);
    else {
      const note = reading.verdict === "doubtful" ? item.note : decided_elsewhere;
      this.items = this.items.map((one) => (one === item ? { ...item, reading, note } : one));
    }
    this.changed();
  }

  private async newest_of(reading: Reading): Promise<Reading> {
    return this.source.get(reading.id).catch(() => reading);
  }

  // Behind the one that is looked at: nobody's next key shall meet another photo.
  private put_back(item: Item): void {
    this.decided.delete(item.reading.id);
    const [first, ...rest] = this.items;
    this.items = first === undefined ? [item] : [first, item, ...rest];
  }

  private knows(id: number): boolean {
    return this.decided.has(id) || this.items.some((item) => item.reading.id === id);
  }

  // Whether one of them is new.
  private add(readings: Reading[]): boolean {
    const known = new Set(this.items.map((item) => item.reading.id));
    const fresh = readings.filter(({ id }) => !known.has(id) && !this.decided.has(id));
    this.items = [
      ...this.items,
      ...fresh.map((reading): Item => ({ reading, typed: null, note: null })),
    ];
    this.changed();
    return fresh.length > 0;
  }

  private changed(): void {
    this.version.set(this.version.get() + 1);
  }
}

const decided_elsewhere = { code: "decided_elsewhere", message: "" };

// For a whole run: kept while other pages are looked at.
export const queue = new ReviewQueue();
