// The samples of a device's health as curves.
import type { HealthSample } from "./api/fleet_calls";

const quantities = [
  "signal_dbm", "queue", "errors", "photos_lost", "temperature_c", "humidity_percent", "uptime_s",
] as const;
type Quantity = (typeof quantities)[number];

export interface Course {
  quantity: Quantity;
  source: HealthSample["source"];
  seconds: number[];
  values: number[];
}

// One curve for each quantity of each part that ever told it; the times grow.
export function courses_of(samples: HealthSample[]): Course[] {
  const growing = [...samples].sort((a, b) => a.at_ms - b.at_ms);
  return (["dtu", "camera"] as const).flatMap((source) =>
    quantities.flatMap((quantity): Course[] => {
      const told = growing.filter((one) => one.source === source && one[quantity] !== null);
      if (told.length === 0) return [];
      const seconds = told.map(({ at_ms }) => at_ms / 1000);
      return [{ quantity, source, seconds, values: told.map((one) => one[quantity]!) }];
    }),
  );
}
