import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { list_devices, list_photos, list_watches } from "./api";
import { list_profiles, send_raw } from "./fleet_calls";
import { ApiError, door, get, send } from "./http";

const real_fetch = globalThis.fetch;
const real_door = door.unauthorized;
afterEach(() => {
  globalThis.fetch = real_fetch;
  door.unauthorized = real_door;
});

// Answers the requests in turn; gives what was asked.
function answer_with(...answers: (Response | Error)[]): string[] {
  const asked: string[] = [];
  globalThis.fetch = (async (path: string, init: RequestInit) => {
    asked.push(`${init.method ?? "GET"} ${path} ${String(init.body ?? "")}`.trim());
    const answer = answers.shift();
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error("too many");
    return answer;
  }) as typeof fetch;
  return asked;
}

const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status });

test("a 401 is told to the door, and the same request sent again when it opens", async () => {
  const asked = answer_with(json(401, {}), json(200, { id: 7 }));
  let told = 0;
  door.unauthorized = async () => ++told > 0;
  assert.deepEqual(await send("PATCH", "/readings/7", { verdict: "accepted" }), { id: 7 });
  assert.equal(told, 1);
  assert.equal(asked[0], 'PATCH /api/v1/readings/7 {"verdict":"accepted"}');
  assert.equal(asked[1], asked[0]);
});

test("a door that stays shut leaves the 401 as it is", async () => {
  answer_with(json(401, { error: { code: "unauthorized", message: "log in" } }));
  await assert.rejects(get("/devices"), (error: ApiError) =>
    error.status === 401 && error.code === "unauthorized" && error.message === "log in");
});

test("no answer, a broken answer, an answer that is no JSON", async () => {
  const unreachable = (error: ApiError): boolean => error.code === "unreachable";
  answer_with(new Error("refused"));
  await assert.rejects(get("/devices"), unreachable);
  answer_with(new Response("{", { status: 200 }));
  await assert.rejects(get("/devices"), unreachable);
  answer_with(new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await assert.rejects(get("/devices"), (error: ApiError) =>
    error.code === "http_502" && error.message === "Bad Gateway");
});

test("pages are asked for by what is wished, and JSON is sent as it was typed", async () => {
  const asked = answer_with(json(200, { devices: [{ id: "a" }], next: "a" }),
    json(200, { profiles: [{ id: 1 }], next: "1" }), json(200, { profiles: [], next: null }),
    json(202, { id: 1 }));
  const page = await list_devices({ online: "true", dialect: "native" }, 200, "m 1");
  assert.deepEqual([page.items.map(({ id }) => id), page.next], [["a"], "a"]);
  assert.deepEqual((await list_profiles()).map(({ id }) => id), [1]);
  await send_raw("m1", 1, "[12345678901234567890]");
  assert.deepEqual(asked, [
    "GET /api/v1/devices?online=true&dialect=native&limit=200&cursor=m%201",
    "GET /api/v1/profiles?limit=1000",
    "GET /api/v1/profiles?limit=1000&cursor=1",
    'POST /api/v1/devices/m1/controls/send {"uart":1,"payload":[12345678901234567890]}',
  ]);
});

test("watches come whole, photos only as many as are wanted", async () => {
  const asked = answer_with(
    json(200, { watches: [{ id: 1 }], next: "1" }),
    json(200, { watches: [{ id: 2 }], next: null }),
    json(200, { photos: [{ id: 3 }], next: "3" }),
  );
  assert.deepEqual((await list_watches({ meter: "m" })).map(({ id }) => id), [1, 2]);
  assert.deepEqual((await list_photos("d", 1)).map(({ id }) => id), [3]);
  assert.equal(asked[1], "GET /api/v1/watches?meter=m&cursor=1");
  assert.equal(asked[2], "GET /api/v1/photos?device=d&limit=1");
});
