// What the page knows: every device with its newest photo, reading and command. Changed only by
// what the server says; tells one listener which device has changed.
import { is_over, type Command } from "./api/command";
import type { Device } from "./api/device";
import type { Photo } from "./api/photo";
import type { Reading } from "./api/reading";

export interface Entry {
  device: Device;
  command: Command | null; // the running one, or the last one this page has seen end
  error: { code: string; message: string } | null; // of the last order given on this page
}

function newer<T extends { id: number }>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return b.id >= a.id ? b : a;
}

// Events may come in any order: a command's news is older when its counters say so.
function later(a: Command | null, b: Command | null): Command | null {
  if (a === null || b === null || a.id !== b.id) return newer(a, b);
  return b.updated_ms >= a.updated_ms ? b : a;
}

export class Fleet {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly changed: (id: string) => void) {}

  all(): Entry[] {
    return [...this.entries.values()].sort((a, b) => a.device.id.localeCompare(b.device.id));
  }

  entry(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  take_device(device: Device): void {
    const known = this.entries.get(device.id);
    this.entries.set(device.id, {
      device: {
        ...device,
        newest_photo: newer(known?.device.newest_photo ?? null, device.newest_photo),
        newest_reading: newer(known?.device.newest_reading ?? null, device.newest_reading),
      },
      command: later(known?.command ?? null, device.active_command),
      error: known?.error ?? null,
    });
    this.changed(device.id);
  }

  take_command(command: Command): void {
    this.change(command.device, (entry) => {
      entry.command = later(entry.command, command);
      if (entry.command === command && !is_over(command)) entry.error = null;
    });
  }

  take_photo(photo: Photo): void {
    this.change(photo.device, (entry) => {
      entry.device.newest_photo = newer(entry.device.newest_photo, photo);
    });
  }

  take_reading(reading: Reading): void {
    this.change(reading.device, (entry) => {
      entry.device.newest_reading = newer(entry.device.newest_reading, reading);
    });
  }

  refuse(id: string, error: Entry["error"]): void {
    this.change(id, (entry) => {
      entry.error = error;
    });
  }

  private change(id: string, apply: (entry: Entry) => void): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return; // the device's own event is still to come
    apply(entry);
    this.changed(id);
  }
}
