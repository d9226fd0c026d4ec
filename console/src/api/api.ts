// The server's API, call by call. Types are those of openapi.yaml.
import { get, remove, send, send_file } from "./http";
import type {
  Alarm,
  Caller,
  Command,
  Device,
  DeviceParts,
  EstimateOrder,
  Exchange,
  ExchangeEdit,
  Image,
  ManualValue,
  Meter,
  MeterEdit,
  Missing,
  Photo,
  Reading,
  ReadingEdit,
  Said,
  Schedule,
  ScheduleEdit,
  Settings,
  Summary,
  Update,
  Watch,
  WatchEdit,
  Word,
} from "./openapi";

const name = encodeURIComponent;

export function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  const parts = given.map(([key, value]) => `${key}=${name(value!)}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

export const page_max = 1000; // what the server gives at once at most

export interface Page<T> {
  items: T[];
  next: string | null;
}

// All pages of a list that is short enough to be shown whole.
async function whole<T>(load: (cursor: string) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Page<T> = await load(cursor);
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}

// ---- the whole ----

// Who this page speaks for.
export function get_session(): Promise<Caller> {
  return get("/session");
}

export function log_out(): Promise<unknown> {
  return remove("/session");
}

// Captures and doubtful readings since a day's beginning, and the days before it.
export function get_summary(since_ms: number, days: number): Promise<Summary> {
  return get(`/summary${query({ since: since_ms, days })}`);
}

// ---- devices ----

export interface DeviceFilter {
  online?: "true" | "false";
  dialect?: Device["dialect"];
  search?: string; // part of name or remark
}

export async function list_devices(
  filter: DeviceFilter,
  limit: number,
  cursor: string,
): Promise<Page<Device>> {
  const path = `/devices${query({ ...filter, limit, cursor })}`;
  const page = await get<{ devices: Device[]; next: string | null }>(path);
  return { items: page.devices, next: page.next };
}

const rows_a_page = 5_000;
const row_fields = [
  "dialect", "product", "online", "first_seen_ms", "last_seen_ms", "firmware", "remark", "group",
  "labels", "enabled", "packets_dropped",
];
const newest_fields = ["newest_photo", "newest_reading", "active_command"];

async function list_parts(
  fields: string[],
  filter: DeviceFilter,
  limit: number,
  cursor: string,
): Promise<Page<Device>> {
  const path = `/devices${query({ ...filter, fields: fields.join(), limit, cursor })}`;
  const page = await get<DeviceParts>(path);
  const unknown = {
    state: null, health: null, newest_photo: null, newest_reading: null, active_command: null,
  };
  return { items: page.devices.map((part) => ({ ...unknown, ...part }) as Device),
    next: page.next };
}

// What a device's own row says, many at once: nothing of photos, readings and commands.
export function list_device_rows(cursor: string): Promise<Page<Device>> {
  return list_parts(row_fields, {}, rows_a_page, cursor);
}

// All but what it last said of itself (state, health), which is half of it.
export function list_device_views(filter: DeviceFilter, cursor: string): Promise<Page<Device>> {
  return list_parts([...row_fields, ...newest_fields], filter, page_max, cursor);
}

export function get_device(device: string): Promise<Device> {
  return get(`/devices/${name(device)}`);
}

export function take_photo(device: string): Promise<Command> {
  return send("POST", `/devices/${name(device)}/commands`, { capture: 1 });
}

export function get_command(id: number): Promise<Command> {
  return get(`/commands/${id}`);
}

export function is_over({ state }: Command): boolean {
  return state === "read" || state === "failed" || state === "expired";
}

export type Part = Settings["part"];

export function get_settings(device: string, part: Part): Promise<Settings> {
  return get(`/devices/${name(device)}/settings/${part}`);
}

export function change_settings(
  device: string,
  part: Part,
  settings: Record<string, number>,
): Promise<Settings> {
  return send("PUT", `/devices/${name(device)}/settings/${part}`, settings);
}

// 0 seconds ends it.
export function aim(device: string, seconds: number, period_ms = 1000): Promise<unknown> {
  return send("POST", `/devices/${name(device)}/aim`, { seconds, period_ms });
}

export function view_url(device: string, number: number): string {
  return `/api/v1/devices/${name(device)}/view.jpg?n=${number}`;
}

// ---- photos and readings ----

// The newest first, at most `limit` (1 to 1000).
export async function list_photos(device: string, limit: number): Promise<Photo[]> {
  return (await get<{ photos: Photo[] }>(`/photos${query({ device, limit })}`)).photos;
}

export function photo_url(id: number): string {
  return `/api/v1/photos/${id}.jpg`;
}

export interface ReadingFilter {
  meter?: string;
  since?: number;
  verdict?: Reading["verdict"];
  cursor?: string;
}

export async function list_readings(filter: ReadingFilter): Promise<Page<Reading>> {
  const page = await get<{ readings: Reading[]; next: string | null }>(
    `/readings${query({ ...filter })}`,
  );
  return { items: page.readings, next: page.next };
}

// All pages of a list, newest first, at most `count_max`; `more` hears of each page as it comes.
export async function all_readings(
  filter: ReadingFilter,
  count_max: number,
  more: (readings: Reading[]) => boolean = () => true,
): Promise<Reading[]> {
  const all: Reading[] = [];
  let cursor: string | null = "";
  while (cursor !== null && all.length < count_max) {
    const page: Page<Reading> = await list_readings({ ...filter, cursor });
    all.push(...page.items);
    cursor = page.next;
    if (!more(all)) break;
  }
  return all;
}

export function get_reading(id: number): Promise<Reading> {
  return get(`/readings/${id}`);
}

export function review(id: number, edit: ReadingEdit): Promise<Reading> {
  return send("PATCH", `/readings/${id}`, edit);
}

export async function reading_history(id: number): Promise<Word[]> {
  return (await get<{ history: Word[] }>(`/readings/${id}/history`)).history;
}

// What each reader said of the photo; empty when one alone was asked.
export async function list_said(id: number): Promise<Said[]> {
  return (await get<{ said: Said[] }>(`/readings/${id}/said`)).said;
}

// ---- meters ----

export interface MeterFilter {
  search?: string; // part of name, place or serial number
  group?: string; // or below
  verdict?: Reading["verdict"] | "none"; // of the newest reading
  alarm?: "true" | "false";
}

export async function list_meters(filter: MeterFilter, cursor: string): Promise<Page<Meter>> {
  const path = `/meters${query({ ...filter, cursor })}`;
  const page = await get<{ meters: Meter[]; next: string | null }>(path);
  return { items: page.meters, next: page.next };
}

export function get_meter(meter: string): Promise<Meter> {
  return get(`/meters/${name(meter)}`);
}

export function create_meter(edit: MeterEdit): Promise<Meter> {
  return send("POST", "/meters", edit);
}

export function change_meter(meter: string, edit: MeterEdit): Promise<Meter> {
  return send("PATCH", `/meters/${name(meter)}`, edit);
}

export async function list_exchanges(meter: string): Promise<Exchange[]> {
  return (await get<{ exchanges: Exchange[] }>(`/meters/${name(meter)}/exchanges`)).exchanges;
}

// Readings that schedules wanted and that did not come in time, newest first: the first ones.
export async function list_missing(meter: string, limit: number): Promise<Page<Missing>> {
  const path = `/meters/${name(meter)}/missing${query({ limit })}`;
  const page = await get<{ missing: Missing[]; next: string | null }>(path);
  return { items: page.missing, next: page.next };
}

export function exchange_meter(meter: string, edit: ExchangeEdit): Promise<Exchange> {
  return send("POST", `/meters/${name(meter)}/exchanges`, edit);
}

export function enter_value(meter: string, value: ManualValue): Promise<Reading> {
  return send("POST", `/meters/${name(meter)}/readings`, value);
}

// Readings for the times without one; how many there are now.
export async function estimate(meter: string, order: EstimateOrder): Promise<number> {
  const path = `/meters/${name(meter)}/estimates`;
  return (await send<{ readings: Reading[] }>("POST", path, order)).readings.length;
}

export function list_watches(filter: { device?: string; meter?: string }): Promise<Watch[]> {
  return whole(async (cursor) => {
    const path = `/watches${query({ ...filter, cursor })}`;
    const page = await get<{ watches: Watch[]; next: string | null }>(path);
    return { items: page.watches, next: page.next };
  });
}

export function create_watch(edit: WatchEdit): Promise<Watch> {
  return send("POST", "/watches", edit);
}

export function change_watch(id: number, edit: WatchEdit): Promise<Watch> {
  return send("PATCH", `/watches/${id}`, edit);
}

// ---- alarms ----

// Those whose cause has not ended, newest first: the first page.
export async function open_alarms(): Promise<Page<Alarm>> {
  const page = await get<{ alarms: Alarm[]; next: string | null }>("/alarms?open=true");
  return { items: page.alarms, next: page.next };
}

export function acknowledge_alarm(id: number): Promise<Alarm> {
  return send("POST", `/alarms/${id}/acknowledge`, {});
}

// ---- schedules, images, updates ----

export function list_schedules(): Promise<Schedule[]> {
  return whole(async (cursor) => {
    const path = `/schedules${query({ cursor, limit: page_max })}`;
    const page = await get<{ schedules: Schedule[]; next: string | null }>(path);
    return { items: page.schedules, next: page.next };
  });
}

export function add_schedule(edit: ScheduleEdit): Promise<Schedule> {
  return send("POST", "/schedules", edit);
}

export function change_schedule(id: number, edit: ScheduleEdit): Promise<Schedule> {
  return send("PUT", `/schedules/${id}`, edit);
}

export function delete_schedule(id: number): Promise<Schedule> {
  return remove(`/schedules/${id}`);
}

export async function list_images(): Promise<Image[]> {
  return (await get<{ images: Image[] }>("/images")).images;
}

export function add_image(file: Blob): Promise<Image> {
  return send_file("/images", file);
}

export async function list_updates(device: string): Promise<Update[]> {
  return (await get<{ updates: Update[] }>(`/devices/${name(device)}/updates`)).updates;
}

export function order_update(device: string, image: number): Promise<Update> {
  return send("POST", `/devices/${name(device)}/updates`, { image });
}
