// Lists that come page by page, and things that are asked for again while they are under way.
import { useEffect, useRef, type MutableRef } from "preact/hooks";
import { page_max, type Page } from "../api/api";
import { follow } from "../live";
import { use_newest } from "../observe";
import { use_loaded, use_words, type Loaded } from "./hooks";

export const rows_a_page = 100;

export interface Paged<T> extends Loaded<Page<T>> {
  more: () => void;
}

type Load<T> = (limit: number, cursor: string) => Promise<Page<T>>;

async function load_some<T>(load: Load<T>, wanted: MutableRef<number>): Promise<Page<T>> {
  const items: T[] = [];
  for (let cursor = ""; ; ) {
    const page = await load(Math.min(page_max, wanted.current - items.length), cursor);
    items.push(...page.items);
    if (page.next === null || items.length >= wanted.current) return { items, next: page.next };
    cursor = page.next;
  }
}

// As many as have been asked for so far, newly loaded all together.
export function use_paged<T>(load: Load<T>, keys: unknown[]): Paged<T> {
  const wanted = useRef(rows_a_page);
  const loaded = use_loaded(() => load_some(load, wanted), keys);
  const more = (): void => {
    wanted.current += rows_a_page;
    loaded.reload();
  };
  return { ...loaded, more };
}

export function More<T>({ list }: { list: Paged<T> }) {
  const words = use_words();
  if (list.value === null || list.value.next === null) return null;
  return (
    <p>
      <button type="button" class="small" onClick={list.more}>
        {words.say("more")}
      </button>
    </p>
  );
}

const calm_ms = 1_000;

// Called when something happens to this very device, at most once a second.
export function use_news_of(device: string, act: () => void): void {
  const newest = use_newest(act);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (id: string): void => {
      if (id !== device) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        newest.current();
      }, calm_ms);
    };
    const stops = [
      follow("device", ({ id }) => hear(id)),
      follow("command", (command) => hear(command.device)),
      follow("photo", (photo) => hear(photo.device)),
      follow("update", (update) => hear(update.device)),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [device]);
}

const poll_ms = 2_000;

// Nothing tells of these; so they are asked for again while something is open.
export function use_polling(is_open: boolean, reload: () => void): void {
  useEffect(() => {
    if (!is_open) return;
    const timer = setInterval(reload, poll_ms);
    return () => clearInterval(timer);
  }, [is_open]);
}
