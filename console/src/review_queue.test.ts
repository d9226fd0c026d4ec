import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "./api/http";
import type { Reading, ReadingEdit } from "./api/openapi";
import { ReviewQueue, type Source } from "./review_queue";

function doubtful(id: number, more: Partial<Reading> = {}): Reading {
  return {
    id, meter: `m${id}`, device: `m${id}`, photo: id, at_ms: id, status: "doubtful",
    digits: "01234", certain: 3, value: "12.3", red: 2, confidence: 0.5, window: [],
    verdict: "doubtful", reasons: [], flags: [], ms: 1, version: 0, review: null, ...more,
  };
}

// A server with these readings, two a page; reviews fail as `refuse` says.
class Server implements Source {
  sent: [number, ReadingEdit][] = [];
  refuse: ApiError | null = null;

  constructor(readonly readings: Reading[]) {}

  list: Source["list"] = async ({ cursor }) => {
    const waiting = this.readings.filter(({ verdict }) => verdict === "doubtful");
    const from = waiting.findIndex(({ id }) => id === Number(cursor)) + 1;
    const items = waiting.slice(from, from + 2);
    return { items, next: from + 2 < waiting.length ? String(items[1]!.id) : null };
  };
  get: Source["get"] = async (id) => this.readings.find((one) => one.id === id)!;
  review: Source["review"] = async (id, edit) => {
    this.sent.push([id, edit]);
    if (this.refuse !== null) throw this.refuse;
    return { ...(await this.get(id)), verdict: edit.verdict };
  };
}

const ids = (queue: ReviewQueue): number[] => queue.items.map((item) => item.reading.id);

async function queue_of(server: Server): Promise<ReviewQueue> {
  const queue = new ReviewQueue(server);
  await queue.refresh();
  return queue;
}

test("the next one is there before the answer, and more are asked for", async () => {
  const server = new Server([1, 2, 3, 4, 5].map((id) => doubtful(id)));
  const queue = await queue_of(server);
  assert.deepEqual(ids(queue), [1, 2]);
  const sent = queue.decide({ verdict: "accepted" });
  assert.deepEqual(ids(queue), [2]);
  assert.equal(queue.sending, 1);
  await sent;
  await queue.load_more();
  assert.deepEqual([queue.done, queue.sending], [1, 0]);
  assert.ok(ids(queue).length > 1 && !ids(queue).includes(1), String(ids(queue)));
  assert.deepEqual(server.sent, [[1, { verdict: "accepted", version: 0 }]]);
});

test("what could not be sent comes back with what was typed, behind the one in sight", async () => {
  const server = new Server([1, 2, 3].map((id) => doubtful(id)));
  const queue = await queue_of(server);
  queue.type("01299");
  server.refuse = new ApiError("unreachable", "no answer", 0);
  await queue.decide({ verdict: "manual", digits: "01299" });
  assert.deepEqual(ids(queue).slice(0, 2), [2, 1]);
  const item = queue.items[1]!;
  assert.deepEqual([item.typed, item.note?.code, queue.done], ["01299", "unreachable", 0]);
  server.refuse = null;
  queue.skip();
  assert.equal(queue.current()?.reading.id, 1);
  await queue.decide({ verdict: "manual", digits: "01299" });
  assert.equal(queue.done, 1);
});

test("a conflict comes back with the newest version", async () => {
  const server = new Server([doubtful(1), doubtful(2)]);
  const queue = await queue_of(server);
  server.refuse = new ApiError("conflict", "seen 0, now 7", 409);
  server.readings[0] = doubtful(1, { version: 7, verdict: "manual", digits: "05555" });
  await queue.decide({ verdict: "accepted" });
  const item = queue.items.find(({ reading }) => reading.id === 1)!;
  assert.deepEqual([item.reading.version, item.reading.digits, item.note?.code],
    [7, "05555", "conflict"]);
});

test("what others decide leaves the queue, but not from under the eyes", async () => {
  const queue = await queue_of(new Server([doubtful(1), doubtful(2)]));
  queue.take(doubtful(2, { version: 3, verdict: "accepted" }));
  assert.deepEqual(ids(queue), [1]);
  queue.type("09999");
  queue.take(doubtful(1, { version: 3, verdict: "rejected" }));
  const { typed, note, reading } = queue.current()!;
  assert.deepEqual([typed, note?.code, reading.version], ["09999", "decided_elsewhere", 3]);
  queue.take(doubtful(1, { version: 2 }));
  assert.equal(queue.current()?.reading.version, 3, "older news");
  queue.take(doubtful(9));
  queue.take(doubtful(9));
  assert.deepEqual(ids(queue), [1, 9], "a new one joins once");
});

test("typing the proposal again is no correction", async () => {
  const queue = await queue_of(new Server([doubtful(1)]));
  queue.type("01235");
  assert.equal(queue.current()?.typed, "01235");
  queue.type("01234");
  assert.equal(queue.current()?.typed, null);
});

test("what came while nobody listened is offered, also more than a page of it", async () => {
  const old = [3, 2, 1].map((id) => doubtful(id));
  const server = new Server(old);
  const queue = await queue_of(server);
  await queue.load_more();
  assert.deepEqual(ids(queue), [3, 2, 1], "all there is");
  server.readings.unshift(...[8, 7, 6, 5, 4].map((id) => doubtful(id)));
  await queue.refresh();
  assert.deepEqual(ids(queue), [3, 2, 1, 8, 7]);
  for (let times = 0; times < 3; ++times) await queue.load_more();
  assert.deepEqual(ids(queue), [3, 2, 1, 8, 7, 6, 5, 4]);
  server.readings.unshift(doubtful(9));
  await queue.refresh();
  assert.deepEqual(ids(queue).slice(8), [9]);
});

test("a gap that is found while a page is on its way is not lost", async () => {
  const server = new Server([4, 3, 2, 1].map((id) => doubtful(id)));
  const queue = await queue_of(server);
  const { list } = server;
  let answer = (): void => undefined;
  server.list = (filter) => {
    const page = list(filter);
    return new Promise((done) => (answer = () => done(page)));
  };
  const more = queue.load_more();
  server.list = list;
  server.readings.unshift(...[8, 7, 6, 5].map((id) => doubtful(id)));
  await queue.refresh();
  answer();
  await more;
  for (let times = 0; times < 3; ++times) await queue.load_more();
  assert.deepEqual([...ids(queue)].sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("known pages are passed over on the way to what is not known", async () => {
  const server = new Server([9, 8, 7, 6, 5, 4, 3, 2, 1].map((id) => doubtful(id)));
  const queue = await queue_of(server);
  for (const id of [6, 7]) queue.take(doubtful(id));
  await queue.load_more();
  assert.deepEqual(ids(queue), [9, 8, 6, 7, 5, 4]);
});
