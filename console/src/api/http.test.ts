import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { list_devices, list_photos, list_watches } from "./api";
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

test("a list that is shown whole is asked for page by page", async () => {
  const asked = answer_with(
    json(200, { devices: [{ id: "a" }], next: "a" }),
    json(200, { devices: [{ id: "b" }], next: null }),
  );
  assert.deepEqual((await list_devices()).map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(asked, [
    "GET /api/v1/devices?limit=1000",
    "GET /api/v1/devices?limit=1000&cursor=a",
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
