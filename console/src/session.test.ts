import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import { listen } from "./api/events";
import { door, get, send } from "./api/http";
import type { Caller } from "./api/openapi";
import { caller, come_in } from "./session";

const real_fetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = real_fetch;
  caller.set(null);
});

const ana: Caller = {
  name: "ana", role: "administrator", groups: [], rights: ["read", "review"], by: "session",
};

// The first request finds the session ended, all others succeed; gives what was asked.
function session_ended(): string[] {
  const asked: string[] = [];
  globalThis.fetch = (async (path: string, init: RequestInit) => {
    const count = asked.push(`${init.method ?? "GET"} ${path}`);
    return new Response("{}", { status: count === 1 ? 401 : 200 });
  }) as typeof fetch;
  return asked;
}

test("while somebody logs in nothing is sent, and one log-in serves all", async () => {
  const asked = session_ended();
  let told = 0;
  let open = (_: boolean): void => undefined;
  door.unauthorized = () => {
    ++told;
    return new Promise((done) => (open = done));
  };
  const both = [get("/devices")];
  await settled();
  both.push(get("/meters"));
  await settled();
  assert.deepEqual(asked, ["GET /api/v1/devices"]);
  open(true);
  await Promise.all(both);
  assert.deepEqual([told, asked.length], [1, 3]);
});

test("the page goes on for who it was before, and for whoever comes first", async () => {
  for (const before of [ana, null]) {
    const asked = session_ended();
    caller.set(before);
    door.unauthorized = async () => {
      await come_in(async () => ({ ...ana }), () => assert.fail("it began anew"));
      return true;
    };
    await send("PATCH", "/readings/7", { verdict: "accepted" });
    assert.equal(asked.length, 2);
    assert.equal(caller.get()?.name, "ana");
  }
});

test("a stream is opened anew once, and one that is closed comes back by itself", async () => {
  const opened: { readyState: number }[] = [];
  class Source {
    static readonly CLOSED = 2;
    readyState = 1;
    constructor() {
      opened.push(this);
    }
    addEventListener(): void {}
    close(): void {
      this.readyState = Source.CLOSED;
    }
  }
  globalThis.EventSource = Source as unknown as typeof EventSource;
  const none = (): void => undefined;
  const ready = async (): Promise<void> => undefined;
  const listen_anew = listen({ ready, changed: none, connected: none, disconnected: none });
  listen_anew();
  await settled();
  listen_anew();
  assert.deepEqual(opened.map(({ readyState }) => readyState), [2, 1]);
  opened[1]!.readyState = Source.CLOSED;
  listen_anew();
  assert.equal(opened.length, 2);
});

// The last one: what waits here waits for ever.
test("for another person or other rights the page begins anew, and nothing is sent", async () => {
  const limited: Caller = { ...ana, groups: ["berlin"] };
  const bob: Caller = { ...ana, name: "bob" };
  caller.set(ana);
  for (const other of [limited, bob]) {
    let begun = 0;
    let gone_on = false;
    void come_in(async () => other, () => ++begun).then(() => (gone_on = true));
    await settled();
    assert.deepEqual([begun, gone_on, caller.get()], [1, false, ana]);
  }
  const asked = session_ended();
  door.unauthorized = async () => {
    await come_in(async () => bob, () => undefined);
    return true;
  };
  void send("PATCH", "/readings/7", { verdict: "accepted" });
  await settled();
  void send("PATCH", "/readings/8", { verdict: "accepted" });
  await settled();
  assert.deepEqual(asked, ["PATCH /api/v1/readings/7"]);
});
