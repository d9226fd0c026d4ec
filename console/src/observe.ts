// A value that tells its listeners when it changes, and the hooks by which components follow it.
import { useEffect, useRef, useState } from "preact/hooks";

export class Value<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private now: T) {}

  get(): T {
    return this.now;
  }

  set(next: T): void {
    if (Object.is(next, this.now)) return;
    this.now = next;
    for (const listener of [...this.listeners]) listener();
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function use_value<T>(value: Value<T>): T {
  const [, draw] = useState({});
  const drawn = value.get();
  useEffect(() => {
    // It may have changed since it was drawn.
    if (!Object.is(drawn, value.get())) draw({});
    return value.listen(() => draw({}));
  }, [value]);
  return drawn;
}

// Draws at most once a frame, however often `value` changes.
export function use_value_calmly<T>(value: Value<T>): T {
  const [, draw] = useState({});
  useEffect(() => {
    let asked = 0;
    const stop = value.listen(() => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        draw({});
      });
    });
    draw({});
    return () => {
      stop();
      cancelAnimationFrame(asked);
    };
  }, [value]);
  return value.get();
}

// The newest version of a function, for listeners that are set up once.
export function use_newest<T>(value: T): { readonly current: T } {
  const newest = useRef(value);
  newest.current = value;
  return newest;
}
