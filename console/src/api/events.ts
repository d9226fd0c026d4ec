// Live changes from the server (Server-Sent Events).
import type { Command } from "./command";
import type { Device } from "./device";
import type { Photo } from "./photo";
import type { Reading } from "./reading";

export interface Listener {
  device(device: Device): void;
  command(command: Command): void;
  photo(photo: Photo): void;
  reading(reading: Reading): void;
  // Called when the stream opens (also again after a break: something may have been missed) and
  // when it breaks.
  connected(): void;
  disconnected(): void;
}

const retry_ms = 3_000;

// Listens for as long as the page lives; comes back by itself.
export function listen(listener: Listener): void {
  const source = new EventSource("/api/v1/events");
  const on = <T>(name: string, take: (value: T) => void): void =>
    source.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent).data) as T));
  on<Device>("device", (value) => listener.device(value));
  on<Command>("command", (value) => listener.command(value));
  on<Photo>("photo", (value) => listener.photo(value));
  on<Reading>("reading", (value) => listener.reading(value));
  source.onopen = () => listener.connected();
  source.onerror = () => {
    listener.disconnected();
    // A refused stream (503, 404) is closed for good by the browser; a broken one comes back.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(listener), retry_ms);
  };
}
