// What pages share: the language, data that is loaded again when it may be stale, and actions.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { error_of, type ApiError } from "../api/http";
import type { Subject, Subjects } from "../api/events";
import { epoch, follow } from "../live";
import { use_newest, use_value } from "../observe";
import { words, type Words } from "../words/words";

export function use_words(): Words {
  return use_value(words);
}

export interface Loaded<T> {
  value: T | null; // the last that came
  error: ApiError | null;
  reload: () => void;
  renew: () => Promise<void>; // reloads; done when what is there now is shown, or an error
}

// Loads when `keys` change and after every break of the connection; a failure keeps what is shown.
export function use_loaded<T>(load: () => Promise<T>, keys: unknown[]): Loaded<T> {
  const [value, set_value] = useState<T | null>(null);
  const [error, set_error] = useState<ApiError | null>(null);
  const [asked, set_asked] = useState(0);
  const waiting = useRef<(() => void)[]>([]);
  const now = use_value(epoch);
  const shown = useRef("");
  const key = JSON.stringify(keys);
  useEffect(() => {
    let wanted = true;
    if (shown.current !== key) set_value(null);
    shown.current = key;
    const who_waits = waiting.current.splice(0);
    load()
      .then(
        (came) => {
          if (!wanted) return;
          set_value(came);
          set_error(null);
        },
        (failed) => wanted && set_error(error_of(failed)),
      )
      .finally(() => wanted && who_waits.splice(0).forEach((go_on) => go_on()));
    return () => {
      wanted = false;
      waiting.current.push(...who_waits); // for the next one
    };
  }, [key, now, asked]);
  const reload = useCallback(() => set_asked((count) => count + 1), []);
  const renew = useCallback(
    () =>
      new Promise<void>((go_on) => {
        waiting.current.push(go_on);
        reload();
      }),
    [],
  );
  return { value, error, reload, renew };
}

export function use_events<S extends Subject>(
  subject: S,
  take: (value: Subjects[S]) => void,
): void {
  const newest = use_newest(take);
  useEffect(() => follow(subject, (value) => newest.current(value)), [subject]);
}

export interface Action {
  busy: boolean;
  error: ApiError | null;
  done: boolean;
  run: (act: () => Promise<unknown>) => Promise<boolean>;
}

// Something a person asked for: one at a time, with its outcome. When somebody else has changed it
// meanwhile, `renew` brings what is there now before it can be sent again.
export function use_action(renew?: () => Promise<void>): Action {
  const [state, set_state] = useState<Omit<Action, "run">>({
    busy: false,
    error: null,
    done: false,
  });
  const busy = useRef(false);
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    set_state({ busy: true, error: null, done: false });
    let failed: ApiError | null = null;
    try {
      await act();
    } catch (error) {
      failed = error_of(error);
      if (failed.code === "conflict") await renew?.();
    }
    busy.current = false;
    set_state({ busy: false, error: failed, done: failed === null });
    return failed === null;
  };
  return { ...state, run };
}

export function stored(key: string): string | null {
  try {
    return localStorage.getItem(`meterlens.${key}`);
  } catch {
    return null;
  }
}

export function store(key: string, value: string): void {
  try {
    localStorage.setItem(`meterlens.${key}`, value);
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}

// The value once it has not changed for a moment, so that not each letter is asked for.
export function use_settled<T>(value: T, wait_ms = 200): T {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), wait_ms);
    return () => clearTimeout(timer);
  }, [value, wait_ms]);
  return settled;
}

const calm_ms = 1_000;

// Called at most once a second, however much happens.
export function use_calm_events(subjects: Subject[], act: () => void): void {
  const newest = use_newest(act);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        newest.current();
      }, calm_ms);
    };
    const stops = subjects.map((subject) => follow(subject, take));
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [subjects.join()]);
}
