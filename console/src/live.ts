// The page's one connection to what happens on the server, and what it knows of the devices.
import {
  get_command,
  is_over,
  list_device_rows,
  list_device_views,
  list_devices,
  take_photo,
  type DeviceFilter,
} from "./api/api";
import { listen, type Subject, type Subjects } from "./api/events";
import { error_of } from "./api/http";
import { ask_who } from "./session";
import { Fleet } from "./fleet";
import { Value } from "./observe";

const poll_ms = 5_000;
const first_rows = 200; // what shows at once
const lists_at_once = 2;
// The parts of a large fleet, which are asked for beside each other. Who changes from one to
// another meanwhile tells it by an event.
const parts_of_fleet: DeviceFilter[] = [
  { online: "true", dialect: "native" },
  { online: "true", dialect: "smartdtu" },
  { online: "false", dialect: "native" },
  { online: "false", dialect: "smartdtu" },
];

export const fleet = new Fleet();
// Whether news come by themselves; whether the server answers at all; whether the first devices are
// known; whether all can be looked through; whether all is known of each.
export const is_live = new Value(false);
export const is_reachable = new Value(true);
export const is_loaded = new Value(false);
export const is_listed = new Value(false);
export const is_whole = new Value(false);
// Grows whenever something may have been missed: what was loaded before is loaded anew.
export const epoch = new Value(0);

type Take<S extends Subject> = (value: Subjects[S]) => void;
const takers: { [S in Subject]?: Set<Take<S>> } = {};

// Returns what ends it.
export function follow<S extends Subject>(subject: S, take: Take<S>): () => void {
  const set = (takers[subject] ??= new Set() as never) as Set<Take<S>>;
  set.add(take);
  return () => set.delete(take);
}

function changed<S extends Subject>(subject: S, value: Subjects[S]): void {
  if (subject === "device") fleet.take_device(value as Subjects["device"]);
  if (subject === "command") fleet.take_command(value as Subjects["command"]);
  if (subject === "photo") fleet.take_photo(value as Subjects["photo"]);
  if (subject === "reading") fleet.take_reading(value as Subjects["reading"]);
  for (const take of (takers[subject] as Set<Take<S>> | undefined) ?? []) take(value);
}

// A command that ended while nobody listened would look as if it still ran.
async function catch_up(): Promise<void> {
  for (const { command, device } of fleet.all())
    if (command !== null && !is_over(command) && device.active_command?.id !== command.id)
      fleet.take_command(await get_command(command.id));
}

let is_loading = false;
let is_wanted_again = false;

// One at a time: while somebody logs in it waits, and nothing may pile up behind it.
async function load(): Promise<void> {
  is_wanted_again = is_loading;
  if (is_loading) return;
  is_loading = true;
  await load_once();
  is_loading = false;
  if (is_wanted_again) void load();
}

async function load_part(filter: DeviceFilter): Promise<void> {
  for (let cursor: string | null = ""; cursor !== null; ) {
    const asked = fleet.told;
    const page = await list_device_views(filter, cursor);
    fleet.take_devices(page.items, asked);
    cursor = page.next;
  }
}

// Their names and remarks first, so that they can be looked through.
async function load_rows(): Promise<void> {
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await list_device_rows(cursor);
    fleet.take_rows(page.items);
    cursor = page.next;
  }
}

// The first by name, then the rest behind them.
async function load_devices(): Promise<void> {
  const was_away = !is_reachable.get() || !is_loaded.get();
  fleet.begin_listing();
  const asked = fleet.told;
  const first = await list_devices({}, first_rows, "");
  fleet.take_devices(first.items, asked);
  is_loaded.set(true);
  is_reachable.set(true);
  if (was_away) epoch.set(epoch.get() + 1);
  if (first.next !== null) {
    if (!is_listed.get()) await load_rows();
    is_listed.set(true);
    const parts = [...parts_of_fleet];
    const work = async (): Promise<void> => {
      for (let part = parts.shift(); part !== undefined; part = parts.shift())
        await load_part(part);
    };
    await Promise.all(Array.from({ length: lists_at_once }, work));
  }
  fleet.end_listing();
  is_listed.set(true);
  is_whole.set(true);
}

async function load_once(): Promise<void> {
  try {
    await load_devices();
    await catch_up();
  } catch (error) {
    // Who may not see devices is answered all the same.
    is_reachable.set(error_of(error).status === 403);
  }
}

// Returns what opens the stream anew.
export function start_live(): () => void {
  setInterval(() => {
    if (!is_live.get()) void load();
  }, poll_ms);
  return listen({
    // While somebody logs in there is nothing to hear: the stream would be refused.
    ready: ask_who,
    changed,
    connected: () => {
      is_live.set(true);
      epoch.set(epoch.get() + 1);
      void load();
    },
    disconnected: () => {
      is_live.set(false);
      if (!is_loaded.get()) void load();
    },
  });
}

// Orders a photo; what is wrong shows at the device.
export async function order_photo(device: string): Promise<boolean> {
  fleet.refuse(device, null);
  try {
    fleet.take_command(await take_photo(device));
    return true;
  } catch (error) {
    const { code, message } = error_of(error);
    fleet.refuse(device, { code, message });
    return false;
  }
}
