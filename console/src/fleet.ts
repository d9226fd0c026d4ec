// What the page knows of the devices: each with its newest photo, reading and command. Changed
// only by what the server says. Built for 100,000 devices: the order by name is kept until a
// device comes, and a change of one tells only who follows that one.
import { is_over } from "./api/api";
import type { Command, Device, Photo, Reading, Tags } from "./api/openapi";
import { Value } from "./observe";

export interface Entry {
  device: Device;
  command: Command | null; // the running one, or the last one this page has seen end
  error: { code: string; message: string } | null; // of the last order given on this page
}

// A device's entry, its place in the order by name, which it has once it was ordered, and which
// event told of it last.
interface Kept {
  entry: Value<Entry | undefined>;
  place: number | null;
  told: number;
}

function newer<T extends { id: number }>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return b.id >= a.id ? b : a;
}

// As the server orders them: what was entered, imported or estimated comes later than it is of.
function newer_reading(a: Reading, b: Reading): Reading {
  return ((b.at_ms ?? 0) - (a.at_ms ?? 0) || b.id - a.id) >= 0 ? b : a;
}

// Events may come in any order: a command's news is older when its counters say so.
function later(a: Command | null, b: Command | null): Command | null {
  if (a === null || b === null || a.id !== b.id) return newer(a, b);
  return (b.updated_ms ?? 0) >= (a.updated_ms ?? 0) ? b : a;
}

// Both sorted.
function merged(a: string[], b: string[]): string[] {
  const all: string[] = [];
  let next = 0;
  for (const name of a) {
    while (next < b.length && b[next]! < name) all.push(b[next++]!);
    all.push(name);
  }
  return next < b.length ? all.concat(b.slice(next)) : all;
}

export class Fleet {
  // Grows with every change, for who follows all devices.
  readonly version = new Value(0);
  // How many events told of a device.
  told = 0;
  private readonly kept = new Map<string, Kept>();
  private sorted: Entry[] | null = null;
  private names: string[] = []; // sorted
  private new_names: string[] = []; // not among them yet
  private listed: Set<string> | null = null;

  // By name.
  all(): Entry[] {
    if (this.sorted !== null) return this.sorted;
    if (this.new_names.length > 0) this.names = merged(this.names, this.new_names.sort());
    this.new_names = [];
    const sorted: Entry[] = [];
    for (const id of this.names) {
      const kept = this.kept.get(id);
      const entry = kept?.entry.get();
      if (kept === undefined || entry === undefined) continue;
      kept.place = sorted.length;
      sorted.push(entry);
    }
    return (this.sorted = sorted);
  }

  // Also of a device that is still to come.
  entry(id: string): Value<Entry | undefined> {
    return this.kept_of(id).entry;
  }

  find(id: string): Entry | undefined {
    return this.kept.get(id)?.entry.get();
  }

  // Between the two everything there is comes, in any order; what did not come is no more.
  begin_listing(): void {
    this.listed = new Set();
  }

  end_listing(): void {
    const { listed } = this;
    this.listed = null;
    if (listed === null) return;
    for (const { device } of this.all()) if (!listed.has(device.id)) this.forget(device.id);
  }

  forget(id: string): void {
    const kept = this.kept.get(id);
    if (kept !== undefined) {
      kept.place = null;
      kept.entry.set(undefined);
    }
    this.sorted = null;
    this.version.set(this.version.get() + 1);
  }

  // `asked` is what `told` was when they were asked for: an event since then knows better.
  take_devices(devices: Device[], asked = this.told): void {
    for (const device of devices) {
      this.listed?.add(device.id);
      if ((this.kept.get(device.id)?.told ?? 0) <= asked) this.put(device);
    }
    this.version.set(this.version.get() + 1);
  }

  // By an event.
  take_device(device: Device): void {
    this.kept_of(device.id).told = ++this.told;
    this.take_devices([device]);
  }

  // Of devices of which nothing is known yet.
  take_rows(devices: Device[]): void {
    this.take_devices(devices.filter(({ id }) => this.find(id) === undefined));
  }

  take_command(command: Command): void {
    this.change(command.device, (entry) => {
      const next = later(entry.command, command);
      const error = next === command && !is_over(command) ? null : entry.error;
      return { ...entry, command: next, error };
    });
  }

  take_photo(photo: Photo): void {
    this.change(photo.device, (entry) => {
      const newest_photo = newer(entry.device.newest_photo, photo);
      return { ...entry, device: { ...entry.device, newest_photo } };
    });
  }

  take_reading(reading: Reading): void {
    this.change(reading.device, (entry) => {
      const shown = entry.device.newest_reading;
      // Of several meters the server shows one, and says itself when it is another.
      if (shown !== null && shown.meter !== reading.meter) return entry;
      const newest_reading = shown === null ? reading : newer_reading(shown, reading);
      return { ...entry, device: { ...entry.device, newest_reading } };
    });
  }

  take_tags(id: string, { group, labels }: Tags): void {
    this.change(id, (entry) => ({ ...entry, device: { ...entry.device, group, labels } }));
  }

  refuse(id: string, error: Entry["error"]): void {
    this.change(id, (entry) => ({ ...entry, error }));
  }

  private put(device: Device): void {
    const kept = this.kept_of(device.id);
    const known = kept.entry.get();
    const newest_photo = newer(known?.device.newest_photo ?? null, device.newest_photo);
    const shown = known?.device.newest_reading ?? null;
    const said = device.newest_reading;
    const newest_reading =
      shown !== null && shown.meter === said?.meter ? newer_reading(shown, said) : said ?? shown;
    this.set(kept, {
      device: {
        ...device,
        // Lists leave out what it said of itself.
        state: device.state ?? known?.device.state ?? null,
        health: device.health ?? known?.device.health ?? null,
        newest_photo,
        newest_reading,
      },
      command: later(known?.command ?? null, device.active_command),
      error: known?.error ?? null,
    });
  }

  private change(id: string, apply: (entry: Entry) => Entry): void {
    const kept = this.kept.get(id);
    const known = kept?.entry.get();
    if (kept === undefined || known === undefined) return; // its own event is still to come
    this.set(kept, apply(known));
    this.version.set(this.version.get() + 1);
  }

  private kept_of(id: string): Kept {
    let kept = this.kept.get(id);
    if (kept === undefined) {
      kept = { entry: new Value<Entry | undefined>(undefined), place: null, told: 0 };
      this.kept.set(id, kept);
      this.new_names.push(id);
    }
    return kept;
  }

  // The order stays as it is but for one that has no place in it.
  private set(kept: Kept, entry: Entry): void {
    if (kept.place === null) this.sorted = null;
    else if (this.sorted !== null) this.sorted[kept.place] = entry;
    kept.entry.set(entry);
  }
}
