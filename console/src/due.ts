// How many photos schedules will still order.
import type { Groups, Schedule } from "./api/openapi";
import { is_zone, next_times, parse_cron } from "./cron";
import { is_in_group } from "./typed";

type Group = Groups["groups"][number];

// For how many a schedule is; of meters that one camera sees each counts.
export function count_of(schedule: Schedule, groups: Group[], device_count: number): number {
  const { devices, group, meters, meter_group } = schedule;
  const sum_in = (wanted: string, kind: "devices" | "meters"): number =>
    groups.reduce((sum, one) => sum + (is_in_group(one.group, wanted) ? one[kind] : 0), 0);
  if (meter_group !== "") return sum_in(meter_group, "meters");
  if (group !== "") return sum_in(group, "devices");
  return meters.length || devices.length || device_count;
}

// Captures that schedules will order from now on, before `end_ms`.
export function due_before(
  end_ms: number,
  schedules: Schedule[],
  groups: Group[],
  device_count: number,
): number {
  return schedules.reduce((sum, schedule) => {
    const { cron, zone, enabled } = schedule;
    const parsed = parse_cron(cron);
    if (!enabled || typeof parsed === "string" || !is_zone(zone)) return sum;
    const times = next_times(parsed, zone, Date.now(), 1440, end_ms - 1).length;
    return sum + times * count_of(schedule, groups, device_count);
  }, 0);
}
