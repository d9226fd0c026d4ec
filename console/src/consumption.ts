// From readings to use: the register's course over exchanges and roll-overs, and what was used in
// each hour, day or month. For drawing: exact decimals become numbers here.
import type { Exchange, Reading } from "./api/openapi";

export interface Point {
  at_ms: number;
  value: number; // as the register shows it, times the factor
  total: number; // used since the first point
}

export type Step = "hour" | "day" | "month";

export function counts(reading: Reading): boolean {
  return ["accepted", "manual", "estimated"].includes(reading.verdict) && reading.value !== "" &&
    reading.at_ms !== null;
}

// Oldest first.
export function course_of(readings: Reading[], exchanges: Exchange[], factor = 1): Point[] {
  const good = readings
    .filter(counts)
    .sort((a, b) => (a.at_ms ?? 0) - (b.at_ms ?? 0) || a.id - b.id);
  const start_after = new Map(exchanges.map((one) => [one.end_reading, one.start_reading]));
  const points: Point[] = [];
  good.forEach((reading, index) => {
    const value = Number(reading.value) * factor;
    const before = good[index - 1];
    let used = 0;
    if (before !== undefined && start_after.get(before.id) !== reading.id) {
      const last = Number(before.value) * factor;
      used = value - last;
      if (used < 0 && reading.flags.includes("roll_over"))
        used += 10 ** (reading.digits.length - reading.red) * factor;
    }
    const total = (points[points.length - 1]?.total ?? 0) + Math.max(0, used);
    points.push({ at_ms: reading.at_ms!, value, total });
  });
  return points;
}

// Local time, so that a day is a day where it is looked at.
function begin_of(at_ms: number, step: Step): number {
  const date = new Date(at_ms);
  if (step === "hour") return date.setMinutes(0, 0, 0);
  if (step === "month") date.setDate(1);
  return date.setHours(0, 0, 0, 0);
}

function next_of(at_ms: number, step: Step): number {
  const date = new Date(at_ms);
  if (step === "hour") return at_ms + 3_600_000;
  if (step === "day") return date.setDate(date.getDate() + 1);
  return date.setMonth(date.getMonth() + 1);
}

function total_at(points: Point[], at_ms: number): number {
  let [low, high] = [0, points.length - 1];
  if (at_ms <= points[low]!.at_ms) return points[low]!.total;
  if (at_ms >= points[high]!.at_ms) return points[high]!.total;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]!.at_ms <= at_ms) low = middle;
    else high = middle;
  }
  const [a, b] = [points[low]!, points[high]!];
  const share = b.at_ms === a.at_ms ? 1 : (at_ms - a.at_ms) / (b.at_ms - a.at_ms);
  return a.total + (b.total - a.total) * share;
}

export interface Use {
  from_ms: number;
  used: number;
}

const steps_max = 2_000;

// Between two readings use is taken as even. The first and last step have what is known of them.
export function use_of(points: Point[], step: Step): Use[] {
  if (points.length < 2) return [];
  const out: Use[] = [];
  const end_ms = points[points.length - 1]!.at_ms;
  let from_ms = begin_of(points[0]!.at_ms, step);
  while (from_ms < end_ms) {
    const to_ms = next_of(from_ms, step);
    out.push({ from_ms, used: total_at(points, to_ms) - total_at(points, from_ms) });
    from_ms = to_ms;
  }
  return out.slice(-steps_max);
}

// A table for a spreadsheet; texts that it could take for a formula are quoted with an apostrophe.
export function csv_of(readings: Reading[]): string {
  const cell = (text: string): string => {
    const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const head = "time,meter,value,digits,verdict,confidence,reasons,photo";
  const lines = readings.map((one) =>
    [
      one.at_ms === null ? "" : new Date(one.at_ms).toISOString(),
      one.meter,
      one.value,
      one.digits,
      one.verdict,
      String(one.confidence),
      one.reasons.join("; "),
      String(one.photo ?? ""),
    ]
      .map(cell)
      .join(","),
  );
  return `${[head, ...lines].join("\r\n")}\r\n`;
}
