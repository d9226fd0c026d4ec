import type { Command } from "./command";
import { get } from "./http";
import type { Photo } from "./photo";
import type { Reading } from "./reading";

export interface Device {
  id: string;
  dialect: "native" | "smartdtu";
  product: string;
  online: boolean;
  first_seen_ms: number | null;
  last_seen_ms: number | null;
  firmware: string | null;
  remark: string;
  state: Record<string, unknown> | null;
  newest_photo: Photo | null;
  newest_reading: Reading | null;
  active_command: Command | null;
}

export async function list_devices(): Promise<Device[]> {
  const devices: Device[] = [];
  for (let cursor = ""; ;) {
    const page = await get<{ devices: Device[]; next: string | null }>(
      `/devices?limit=1000&cursor=${cursor}`,
    );
    devices.push(...page.devices);
    if (page.next === null) return devices;
    cursor = page.next;
  }
}
