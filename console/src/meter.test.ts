import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { h, options, render } from "preact";

import type { Reading } from "./api/openapi";
import { start_live } from "./live";
import { use_readings } from "./parts/meter_readings";

// A page with the stream of events, without anything that is drawn.
const streams: EventTarget[] = [];
class Source extends EventTarget {
  constructor() {
    super();
    streams.push(this);
  }
}
options.requestAnimationFrame = queueMicrotask;
Object.assign(globalThis, { EventSource: Source, document: {}, setInterval: () => 0 });

const reading = (id: number, version = 0): Reading =>
  ({ id, at_ms: id, meter: "m1", version }) as Reading;

const tell = (news: Reading): void =>
  void streams[0]!.dispatchEvent(new MessageEvent("reading", { data: JSON.stringify(news) }));

// Answers when the test says so.
const answers: ((readings: Reading[]) => void)[] = [];
globalThis.fetch = ((path: string) => {
  if (!path.startsWith("/api/v1/readings?")) return Promise.resolve(new Response("{}"));
  return new Promise<Response>((done) =>
    answers.push((readings) => done(new Response(JSON.stringify({ readings, next: null })))),
  );
}) as typeof fetch;

test("a meter's readings: of the span that was chosen last, with what came meanwhile", async () => {
  let shown: number[] = [];
  function Shown({ days }: { days: number }) {
    shown = use_readings("m1", days).readings.map(({ id, version }) => 10 * id + version);
    return null;
  }
  const drawn = async (): Promise<number[]> => {
    for (let turns = 0; turns < 20; ++turns) await turn();
    return shown;
  };
  const parent = { childNodes: [] } as unknown as HTMLElement;
  const choose = (days: number): void => render(h(Shown, { days }), parent);
  start_live();
  choose(0);
  await drawn();
  choose(7);
  await drawn();
  tell(reading(4));
  tell(reading(3, 5));
  answers[1]!([reading(3, 2)]);
  assert.deepEqual(await drawn(), [40, 35], "news of a long load stay");
  answers[0]!([reading(3), reading(2), reading(1)]);
  assert.deepEqual(await drawn(), [40, 35], "a slow answer of the former span");
  choose(31);
  await drawn();
  answers[2]!([reading(3, 7), reading(2)]);
  assert.deepEqual(await drawn(), [37, 20], "what was loaded anew is newer");
});
