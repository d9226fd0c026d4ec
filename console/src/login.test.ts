import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import { log_in } from "./login";
import { Words, words } from "./words/words";

// As much of a document as the log-in takes.
class Thing extends EventTarget {
  static readonly made: Record<string, Thing> = {};
  isConnected = false;
  open = false;
  constructor(tag: string) {
    super();
    Thing.made[tag] = this;
  }
  append(...children: (Thing | string)[]): void {
    for (const child of children) if (typeof child !== "string") child.isConnected = true;
  }
  setAttribute(): void {}
  focus(): void {}
  showModal(): void {
    this.open = true;
  }
  // Tells it later, as a browser does.
  close(): void {
    this.open = false;
    setImmediate(() => this.dispatchEvent(new Event("close")));
  }
  remove(): void {
    this.isConnected = false;
  }
}

test("the log-in stays open until somebody is in", async () => {
  const document = { createElement: (tag: string) => new Thing(tag), body: new Thing("body") };
  Object.assign(globalThis, { document });
  words.set(new Words("en"));
  const who = log_in();
  const dialog = Thing.made["dialog"]!;
  assert.ok(dialog.open);
  dialog.close();
  await settled();
  await settled();
  assert.ok(dialog.open, "shown again");
  globalThis.fetch = (async () => new Response('{"name":"ana"}')) as typeof fetch;
  Thing.made["form"]!.dispatchEvent(new Event("submit"));
  assert.equal((await who).name, "ana");
  await settled();
  await settled();
  assert.ok(!dialog.open && !dialog.isConnected);
});
