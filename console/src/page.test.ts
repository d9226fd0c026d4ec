import assert from "node:assert/strict";
import { test } from "node:test";

import type { Command } from "./api/command";
import type { Device } from "./api/device";
import type { Photo } from "./api/photo";
import { spoken, wheels_of } from "./digits";
import { Fleet } from "./fleet";
import { preferred_language, Words } from "./words";

function command(id: number, state: Command["state"], updated_ms: number): Command {
  const none = { reason: null, photo: null, reading: null, created_ms: 0 };
  const packets = { packets_received: 3, packets_total: 9 };
  return { ...none, ...packets, id, device: "m1", kind: "capture", state, updated_ms };
}

function device(id: string): Device {
  const seen = { first_seen_ms: 1, last_seen_ms: 2, firmware: null, remark: "" };
  const newest = { newest_photo: null, newest_reading: null, active_command: null };
  return { id, dialect: "native", product: "meterlens", online: true, ...seen, ...newest };
}

test("wheels: red decimals and unclear digits", () => {
  const wheels = wheels_of({ digits: "01949", red: 2, certain: 4 });
  assert.deepEqual(wheels.map((wheel) => wheel.red), [false, false, false, true, true]);
  assert.deepEqual(wheels.map((wheel) => wheel.certain), [true, true, true, true, false]);
  assert.equal(spoken("19.49"), "1 9 . 4 9");
});

test("late news of a command does not undo newer news", () => {
  const changes: string[] = [];
  const fleet = new Fleet((id) => changes.push(id));
  fleet.take_device(device("m1"));
  fleet.take_command(command(7, "transferring", 30));
  fleet.take_command(command(7, "sent", 20));
  assert.equal(fleet.entry("m1")?.command?.state, "transferring");
  fleet.take_command(command(8, "queued", 10));
  assert.equal(fleet.entry("m1")?.command?.id, 8);
  fleet.take_command(command(7, "read", 99));
  assert.equal(fleet.entry("m1")?.command?.id, 8);
  assert.equal(changes.length, 5);
});

test("an older photo never replaces a newer one", () => {
  const fleet = new Fleet(() => undefined);
  fleet.take_device(device("m1"));
  fleet.take_photo({ id: 5, device: "m1" } as Photo);
  fleet.take_photo({ id: 4, device: "m1" } as Photo);
  fleet.take_device({ ...device("m1"), newest_photo: { id: 3, device: "m1" } as Photo });
  assert.equal(fleet.entry("m1")?.device.newest_photo?.id, 5);
});

test("news of a device that is not known yet is left for its own event", () => {
  const fleet = new Fleet(() => assert.fail("nothing has changed"));
  fleet.take_command(command(1, "sent", 1));
  assert.deepEqual(fleet.all(), []);
});

test("progress and errors in words", () => {
  const words = new Words("en");
  assert.equal(words.progress(command(1, "transferring", 1), true), "Packet 3 of 9");
  const unknown = { ...command(1, "transferring", 1), packets_total: 0 };
  assert.equal(words.progress(unknown, true), "Packets are coming: 3");
  assert.match(words.progress(command(1, "queued", 1), false), /online/);
  assert.match(words.progress(command(1, "sent", 1), false), /online/);
  assert.match(words.progress(command(1, "failed", 1), true), /did not answer/);
  assert.match(words.error("queue_full", ""), /busy/);
  assert.match(words.error("store_failed", ""), /database/);
  assert.match(words.error("busy", ""), /busy/);
  assert.match(words.error("strange", "because"), /because/);
  assert.equal(new Words("zh").progress(command(1, "transferring", 1), true), "数据包 3 / 9");
});

test("the server's reasons in Chinese, as far as they are known", () => {
  const words = new Words("zh");
  assert.equal(words.reason("turning"), "字轮正在转动");
  assert.equal(words.reason("the reader doubts it: glare"), "识别结果存疑：反光");
  assert.equal(words.reason("something new"), "something new");
  assert.equal(new Words("en").reason("turning"), "turning");
});

test("a confidence is never rounded up to certainty", () => {
  assert.equal(new Words("en").percent(0.99999), "99.9 %");
  assert.equal(new Words("en").percent(1), "100.0 %");
});

test("language: stored, else the browser's, else English", () => {
  assert.equal(preferred_language("zh", "en-US"), "zh");
  assert.equal(preferred_language(null, "zh-TW"), "zh");
  assert.equal(preferred_language("xx", "de"), "en");
});
