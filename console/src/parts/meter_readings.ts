// The readings of one meter, as they were loaded and as they change meanwhile.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { all_readings } from "../api/api";
import type { Reading } from "../api/openapi";
import { use_events, use_loaded } from "./hooks";

const day_ms = 86_400_000;
const readings_max = 20_000;

// Newest first; of one that came both ways the newer version.
function merged(readings: Reading[], news: Reading[]): Reading[] {
  const all = new Map(readings.map((reading) => [reading.id, reading]));
  for (const reading of news)
    if (reading.version >= (all.get(reading.id)?.version ?? 0)) all.set(reading.id, reading);
  return [...all.values()].sort((a, b) => (b.at_ms ?? 0) - (a.at_ms ?? 0) || b.id - a.id);
}

// Those of the last `days`, 0 for all: what was loaded, and over it what came by events meanwhile.
export function use_readings(meter: string, days: number) {
  const [news, set_news] = useState<Reading[]>([]);
  const shown = useRef<Reading[]>([]);
  const loaded = use_loaded(() => {
    const since = days === 0 ? 0 : Date.now() - days * day_ms;
    return all_readings({ meter, since }, readings_max);
  }, [meter, days]);
  useEffect(() => set_news([]), [meter, days]);
  use_events("reading", (reading) => {
    if (reading.meter === meter) set_news((known) => merged(known, [reading]));
  });
  // The former ones stay in sight until others come.
  if (loaded.value !== null) shown.current = loaded.value;
  const before = shown.current;
  const readings = useMemo(() => merged(before, news), [before, news]);
  return { readings, loaded };
}
