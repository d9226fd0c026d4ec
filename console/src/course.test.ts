import assert from "node:assert/strict";
import { test } from "node:test";

import type { Exchange, Reading } from "./api/openapi";
import { course_of, csv_of, use_of } from "./consumption";
import { next_times, parse_cron, rhythm_of, type Cron } from "./cron";
import { schedule_edit } from "./pages/schedules";

const hour_ms = 3_600_000;
const start_ms = new Date(2026, 4, 4, 0, 0).getTime(); // local midnight

function reading(id: number, hours: number, value: string, more: Partial<Reading> = {}): Reading {
  return {
    id, meter: "m1", device: "m1", photo: null, at_ms: start_ms + hours * hour_ms, status: "read",
    digits: value.replace(".", "").padStart(5, "0"), certain: 5, value,
    red: (value.split(".")[1] ?? "").length, confidence: 1, window: [], verdict: "accepted",
    reasons: [], flags: [], ms: 1, version: 0, review: null, ...more,
  };
}

const totals = (readings: Reading[], exchanges: Exchange[] = [], factor = 1): number[] =>
  course_of(readings, exchanges, factor).map((point) => point.total);

test("use goes on over an exchange and a roll-over, and leaves out what was not accepted", () => {
  assert.deepEqual(totals([reading(2, 2, "12.5"), reading(1, 0, "10.0")]), [0, 2.5]);
  assert.deepEqual(totals([reading(1, 0, "10.0"), reading(2, 1, "99.0", { verdict: "doubtful" }),
    reading(3, 2, "11.0")]), [0, 1]);
  const exchange = { end_reading: 2, start_reading: 3 } as Exchange;
  const exchanged = [reading(1, 0, "900.0"), reading(2, 1, "905.0"), reading(3, 1, "0.0"),
    reading(4, 2, "3.0")];
  assert.deepEqual(totals(exchanged, [exchange]), [0, 5, 5, 8]);
  const over = reading(2, 1, "00010", { flags: ["roll_over"] });
  assert.deepEqual(totals([reading(1, 0, "99990"), over]), [0, 20]);
  assert.deepEqual(totals([reading(1, 0, "10"), reading(2, 1, "9")]), [0, 0], "never less");
  assert.deepEqual(totals([reading(1, 0, "10"), reading(2, 1, "12")], [], 40), [0, 80]);
});

test("use of each hour and day, even between two readings", () => {
  const points = course_of([reading(1, 0, "0"), reading(2, 48, "48"), reading(3, 60, "72")], []);
  const days = use_of(points, "day");
  assert.deepEqual(days.map((one) => one.used), [24, 24, 24]);
  assert.equal(days[1]!.from_ms, start_ms + 24 * hour_ms);
  const hours = use_of(points, "hour");
  assert.deepEqual([hours.length, hours[0]!.used, hours[59]!.used], [60, 1, 2]);
  assert.equal(use_of(points, "month").length, 1);
  assert.deepEqual(use_of(points.slice(0, 1), "day"), []);
});

test("a table for a spreadsheet takes no formula from a text", () => {
  const text = csv_of([reading(1, 0, "1.5", { reasons: ['=1+1, "x"'] })]);
  assert.match(text, /,m1,1\.5,00015,accepted,1,"'=1\+1, ""x""",\r\n$/);
});

function times(cron: string, zone: string, after: string, count = 2): string[] {
  const parsed = parse_cron(cron);
  assert.ok(typeof parsed !== "string", `${cron}: ${String(parsed)}`);
  return next_times(parsed, zone, Date.parse(after), count).map((ms) => new Date(ms).toISOString());
}

test("next times, also over clock changes", () => {
  assert.deepEqual(times("30 6 * * *", "Asia/Shanghai", "2026-05-01T00:00:00Z"),
    ["2026-05-01T22:30:00.000Z", "2026-05-02T22:30:00.000Z"]);
  // On 29 March 2026 the clock goes from 2 to 3 in Berlin, on 25 October from 3 back to 2.
  assert.deepEqual(times("0 6 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"),
    ["2026-03-29T04:00:00.000Z", "2026-03-30T04:00:00.000Z"]);
  assert.deepEqual(times("0 6 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"),
    ["2026-10-25T05:00:00.000Z", "2026-10-26T05:00:00.000Z"]);
  assert.deepEqual(times("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", 1),
    ["2028-02-29T00:00:00.000Z"]);
  assert.deepEqual(times("0 0 31 2 *", "UTC", "2026-01-01T00:00:00Z"), []);
  assert.deepEqual(times("0 12 13 * fri", "UTC", "2026-05-10T00:00:00Z"),
    ["2026-05-13T12:00:00.000Z", "2026-05-15T12:00:00.000Z"], "either day field, as in cron");
});

test("what is wrong with a cron expression", () => {
  const wrong: [string, string][] = [["", "count"], ["* * * *", "count"], ["60 * * * *", "minute"],
    ["* 24 * * *", "hour"], ["* * 0 * *", "day"], ["* * * 13 *", "month"], ["* * * * 8", "weekday"],
    ["*/0 * * * *", "minute"], ["5-1 * * * *", "minute"], ["1/2/3 * * * *", "minute"],
    ["a * * * *", "minute"], ["1, * * * *", "minute"], ["@never", "count"]];
  for (const [text, field] of wrong) assert.equal(parse_cron(text), field, text);
  for (const text of ["@daily", "*/15 6-18 1,15 jan-MAR Mon", "5/10 * * * 7"])
    assert.notEqual(typeof parse_cron(text), "string", text);
});

test("the rhythm that a person would name", () => {
  const kind = (text: string) => rhythm_of(parse_cron(text) as Cron);
  assert.deepEqual(kind("0 6,18 * * *"), { kind: "daily", times: ["06:00", "18:00"] });
  assert.deepEqual(kind("0 6 * * 1,7"), { kind: "weekly", weekdays: [0, 1], times: ["06:00"] });
  assert.deepEqual(kind("@monthly"), { kind: "monthly", days: [1], times: ["00:00"] });
  assert.deepEqual(kind("*/15 * * * *"), { kind: "every", minutes: 15 });
  assert.deepEqual(kind("7 * * * *"), { kind: "hourly", minutes: [7] });
  assert.deepEqual(kind("0 6 1 jan *"), { kind: "other" });
});

test("a schedule is sent only when all of it can be", () => {
  const typed = { name: " nights ", cron: "0 2 * * *", zone: "UTC",
    target: "devices" as const, names: "a, b\nc", spread: "1,5", catch_up: "60", grace: "30",
    group: "" };
  const sent = { name: "nights", cron: "0 2 * * *", zone: "UTC", devices: ["a", "b", "c"],
    group: "", meters: [] as string[], meter_group: "", spread_s: 90, catch_up_s: 3600,
    grace_s: 1800 };
  assert.deepEqual(schedule_edit(typed), sent);
  assert.deepEqual(schedule_edit({ ...typed, target: "meters" }),
    { ...sent, devices: [], meters: ["a", "b", "c"] });
  assert.deepEqual(schedule_edit({ ...typed, target: "meter_group", group: "h/2" }),
    { ...sent, devices: [], meter_group: "h/2" });
  assert.deepEqual(schedule_edit({ ...typed, target: "all" }), { ...sent, devices: [] });
  assert.equal(schedule_edit({ ...typed, target: "group" }), null, "no group");
  assert.equal(schedule_edit({ ...typed, names: " " }), null, "no names");
  for (const wrong of [{ name: " " }, { cron: "x" }, { zone: "Mars" }, { spread: "1441" },
    { spread: "" }, { catch_up: "-1" }])
    assert.equal(schedule_edit({ ...typed, ...wrong }), null, JSON.stringify(wrong));
});
