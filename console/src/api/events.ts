// Live changes from the server (Server-Sent Events).
import type { Alarm, Command, Device, Photo, Reading, Update, View } from "./openapi";

export interface Subjects {
  device: Device;
  command: Command;
  photo: Photo;
  reading: Reading;
  view: View;
  update: Update;
  alarm: Alarm;
}

export type Subject = keyof Subjects;

export interface Listener {
  // Called before the stream is opened; what it throws puts that off.
  ready(): Promise<unknown>;
  changed<S extends Subject>(subject: S, value: Subjects[S]): void;
  // Called when the stream opens (also again after a break: something may have been missed) and
  // when it breaks.
  connected(): void;
  disconnected(): void;
}

const retry_ms = 3_000;
const subjects: Subject[] = [
  "device", "command", "photo", "reading", "view", "update", "alarm",
];

// Listens for as long as the page lives; comes back by itself.
export function listen(listener: Listener): void {
  listener.ready().then(
    () => open(listener),
    () => {
      listener.disconnected();
      setTimeout(() => listen(listener), retry_ms);
    },
  );
}

function open(listener: Listener): void {
  const source = new EventSource("/api/v1/events");
  for (const subject of subjects)
    source.addEventListener(subject, (event) =>
      listener.changed(subject, JSON.parse((event as MessageEvent<string>).data)),
    );
  source.onopen = () => listener.connected();
  source.onerror = () => {
    listener.disconnected();
    // A refused stream (401, 503) is closed for good by the browser; a broken one comes back.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(listener), retry_ms);
  };
}
