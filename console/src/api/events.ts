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

// Listens for as long as the page lives; comes back by itself. Returns what opens the stream anew:
// the server lets it end with the session that it was opened in.
export function listen(listener: Listener): () => void {
  let source: EventSource | null = null;
  const open = (): void => {
    source?.close();
    source = opened(listener, start);
  };
  const start = (): void => {
    listener.ready().then(open, () => {
      listener.disconnected();
      setTimeout(start, retry_ms);
    });
  };
  start();
  return () => {
    // One that is closed comes back when it may.
    if (source !== null && source.readyState !== EventSource.CLOSED) open();
  };
}

function opened(listener: Listener, start: () => void): EventSource {
  const source = new EventSource("/api/v1/events");
  for (const subject of subjects)
    source.addEventListener(subject, (event) =>
      listener.changed(subject, JSON.parse((event as MessageEvent<string>).data)),
    );
  source.onopen = () => listener.connected();
  source.onerror = () => {
    listener.disconnected();
    // A refused stream (401, 503) is closed for good by the browser; a broken one comes back.
    if (source.readyState === EventSource.CLOSED) setTimeout(start, retry_ms);
  };
  return source;
}
