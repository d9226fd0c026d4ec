// A cron expression as the server understands it: what is wrong with it, and its next times. Five
// fields of numbers, names, lists, ranges and steps, or @hourly, @daily, @weekly, @monthly.

interface Field {
  name: "minute" | "hour" | "day" | "month" | "weekday";
  least: number;
  most: number;
  names: string[];
}

const month_names = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const day_names = "sun mon tue wed thu fri sat".split(" ");
const fields: Field[] = [
  { name: "minute", least: 0, most: 59, names: [] },
  { name: "hour", least: 0, most: 23, names: [] },
  { name: "day", least: 1, most: 31, names: [] },
  { name: "month", least: 1, most: 12, names: month_names },
  { name: "weekday", least: 0, most: 7, names: day_names },
];
const short_forms: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
};

export interface Cron {
  minutes: Set<number>;
  hours: Set<number>;
  days: Set<number>;
  months: Set<number>;
  weekdays: Set<number>; // 0 is Sunday
  any_day: boolean;
  any_weekday: boolean;
}

function number_of(text: string, field: Field): number | null {
  const named = field.names.indexOf(text.toLowerCase());
  if (named >= 0) return named + field.least;
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= field.least && value <= field.most ? value : null;
}

function numbers_of(text: string, field: Field): Set<number> | null {
  const out = new Set<number>();
  for (const part of text.split(",")) {
    const [range = "", step_text, more] = part.split("/");
    const step = step_text === undefined ? 1 : Number(step_text);
    if (more !== undefined || !Number.isInteger(step) || step < 1 || step_text === "") return null;
    const [from_text = "", to_text, other] = range === "*" ? ["*"] : range.split("-");
    const from = range === "*" ? field.least : number_of(from_text, field);
    let to = to_text === undefined ? from : number_of(to_text, field);
    if (range === "*" || (to_text === undefined && step_text !== undefined)) to = field.most;
    if (from === null || to === null || other !== undefined || from > to) return null;
    for (let value = from; value <= to; value += step) out.add(value);
  }
  return out;
}

// The name of the first field that is wrong, or "count".
export function parse_cron(text: string): Cron | Field["name"] | "count" {
  const trimmed = text.trim();
  const texts = (short_forms[trimmed.toLowerCase()] ?? trimmed).split(/\s+/);
  if (texts.length !== 5) return "count";
  const sets: Set<number>[] = [];
  for (const [index, field] of fields.entries()) {
    const set = numbers_of(texts[index] ?? "", field);
    if (set === null) return field.name;
    sets.push(set);
  }
  const [minutes, hours, days, months, weekdays] = sets as [
    Set<number>, Set<number>, Set<number>, Set<number>, Set<number>,
  ];
  if (weekdays.delete(7)) weekdays.add(0);
  const [any_day, any_weekday] = [texts[2]!.startsWith("*"), texts[4]!.startsWith("*")];
  return { minutes, hours, days, months, weekdays, any_day, any_weekday };
}

const formats = new Map<string, Intl.DateTimeFormat>();

// What a clock in that zone shows, as if it were UTC.
function local_of(at_ms: number, zone: string): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  const parts = new Map(
    format.formatToParts(at_ms).map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return Date.UTC(
    part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"),
  );
}

// The moment when that clock shows `local`; at a clock change the first that fits, or the change.
function moment_of(local: number, zone: string): number {
  const first = local - (local_of(local - 86_400_000, zone) - (local - 86_400_000));
  if (local_of(first, zone) === local) return first;
  return local - (local_of(local + 86_400_000, zone) - (local + 86_400_000));
}

export function is_zone(zone: string): boolean {
  try {
    local_of(0, zone);
    return true;
  } catch {
    return false;
  }
}

const day_ms = 86_400_000;
const days_max = 366 * 5; // also finds 29 February

function has_day(cron: Cron, day: Date): boolean {
  if (!cron.months.has(day.getUTCMonth() + 1)) return false;
  const by_date = cron.days.has(day.getUTCDate());
  const by_weekday = cron.weekdays.has(day.getUTCDay());
  // As in cron: a day counts when either field has it, unless one of them is `*`.
  return cron.any_day || cron.any_weekday ? by_date && by_weekday : by_date || by_weekday;
}

// The next moments after `after_ms`, at most `count`, none after `until_ms`. The server's own
// `next_ms` is the one that holds.
export function next_times(
  cron: Cron,
  zone: string,
  after_ms: number,
  count: number,
  until_ms = Infinity,
): number[] {
  const out: number[] = [];
  const start = Math.floor(local_of(after_ms, zone) / day_ms) * day_ms;
  const minutes = [...cron.minutes].sort((a, b) => a - b);
  const hours = [...cron.hours].sort((a, b) => a - b);
  for (let day = 0; day < days_max; ++day) {
    const midnight = start + day * day_ms;
    if (midnight - day_ms > until_ms + day_ms) break;
    if (!has_day(cron, new Date(midnight))) continue;
    for (const hour of hours)
      for (const minute of minutes) {
        const at = moment_of(midnight + (hour * 60 + minute) * 60_000, zone);
        if (at <= after_ms || at === out[out.length - 1]) continue;
        if (at > until_ms || out.length >= count) return out;
        out.push(at);
      }
  }
  return out;
}

export type Rhythm =
  | { kind: "daily"; times: string[] }
  | { kind: "weekly"; weekdays: number[]; times: string[] }
  | { kind: "monthly"; days: number[]; times: string[] }
  | { kind: "every"; minutes: number }
  | { kind: "hourly"; minutes: number[] }
  | { kind: "other" };

const clock = (hour: number, minute: number): string =>
  `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

// What a person would call it.
export function rhythm_of(cron: Cron): Rhythm {
  const sorted = (set: Set<number>): number[] => [...set].sort((a, b) => a - b);
  const [minutes, hours] = [sorted(cron.minutes), sorted(cron.hours)];
  const any_day = cron.days.size === 31;
  const any_weekday = cron.weekdays.size === 7;
  const every_day = any_day && any_weekday && cron.months.size === 12;
  const step = 60 / minutes.length;
  if (every_day && hours.length === 24) {
    const even = minutes.every((minute, index) => minute === index * step);
    return minutes.length > 1 && even
      ? { kind: "every", minutes: step }
      : { kind: "hourly", minutes };
  }
  if (minutes.length * hours.length > 6 || cron.months.size !== 12) return { kind: "other" };
  const times = hours.flatMap((hour) => minutes.map((minute) => clock(hour, minute)));
  if (every_day) return { kind: "daily", times };
  if (any_day) return { kind: "weekly", weekdays: sorted(cron.weekdays), times };
  if (any_weekday && cron.days.size <= 5)
    return { kind: "monthly", days: sorted(cron.days), times };
  return { kind: "other" };
}
