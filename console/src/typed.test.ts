import assert from "node:assert/strict";
import { test } from "node:test";

import type { Device } from "./api/openapi";
import { Fleet } from "./fleet";
import { courses_of } from "./health";
import { tree_of } from "./pages/groups";
import { chosen_of } from "./pages/devices";
import { profile_edit } from "./parts/profile_form";
import {
  group_of,
  json_fault,
  labels_of,
  labels_text,
  names_of,
  no_target,
  steps_of,
  target_of,
} from "./typed";

function device(id: string, more: Partial<Device> = {}): Device {
  const seen = { first_seen_ms: 1, last_seen_ms: 2, firmware: null, remark: "", state: null };
  const newest = { newest_photo: null, newest_reading: null, active_command: null };
  const tags = { group: "", labels: {}, enabled: true, packets_dropped: 0 };
  const base = { id, dialect: "native", product: "meterlens", online: true } as const;
  return { ...base, ...seen, ...newest, ...tags, ...more };
}

test("groups as the server takes them", () => {
  assert.equal(group_of(" berlin/north "), "berlin/north");
  assert.equal(group_of(""), "");
  for (const wrong of ["/a", "a/", "a//b", "1/2/3/4/5/6/7/8/9", "é".repeat(65), "a\u0007"])
    assert.equal(group_of(wrong), null, wrong);
  assert.equal(group_of("1/2/3/4/5/6/7/8"), "1/2/3/4/5/6/7/8");
});

test("labels, forth and back", () => {
  const labels = labels_of("floor=3, key=at the neighbour's\ncellar，a=b=c");
  assert.deepEqual(labels, { floor: "3", key: "at the neighbour's", cellar: "", a: "b=c" });
  assert.deepEqual(labels_of(labels_text(labels!)), labels);
  assert.deepEqual(labels_of(""), {});
  const many = Array.from({ length: 17 }, (_, index) => `l${index}`).join();
  for (const wrong of ["=3", ".a=1", "a b=1", "a=1,a=2", `${"n".repeat(33)}=1`,
    `a=${"é".repeat(33)}`, many])
    assert.equal(labels_of(wrong), null, wrong);
});

test("targets name devices, a group and one label", () => {
  assert.deepEqual(names_of("m1,m2;  m1\nm3"), ["m1", "m2", "m3"]);
  assert.equal(names_of("m1 <script>"), null);
  assert.equal(names_of("a b c", 2), null);
  assert.deepEqual(target_of(no_target), {});
  assert.deepEqual(target_of({ group: "a/b", label: "floor=3", devices: "m1 m2" }),
    { group: "a/b", label: "floor=3", devices: ["m1", "m2"] });
  assert.equal(target_of({ ...no_target, label: "a=1, b=2" }), null);
});

test("steps rise and end with 100", () => {
  assert.deepEqual(steps_of("10, 50,100"), [10, 50, 100]);
  assert.deepEqual(steps_of("5% 100%"), [5, 100]);
  for (const wrong of ["", "10", "50,10,100", "0,100", "10,10,100", "100,101", "a,100",
    "1 2 3 4 5 6 7 8 9 10 100"])
    assert.equal(steps_of(wrong), null, wrong);
});

test("JSON that a device would take for nothing is told before it is sent", () => {
  for (const good of ['{"a":[1]}', "[0]", '"x"', "1", "true", "12345678901234567890"])
    assert.equal(json_fault(good), null, good);
  assert.equal(json_fault("  "), "empty");
  assert.equal(json_fault("{a:1}"), "no_json");
  for (const nothing of ["null", "false", "0", '""', "{}", "[]"])
    assert.equal(json_fault(nothing), "nothing", nothing);
  assert.equal(json_fault(JSON.stringify("é".repeat(2_048))), "too_long");
});

test("a profile has a name and a setting in its range", () => {
  const typed = { name: "night", target: no_target, camera: { gain: "3" }, dtu: {} };
  assert.deepEqual(profile_edit(typed),
    { name: "night", target: {}, camera: { gain: 3 }, dtu: {} });
  assert.equal(profile_edit({ ...typed, camera: { gain: "99" } }), null);
  assert.equal(profile_edit({ ...typed, camera: { gain: "" } }), null);
  assert.equal(profile_edit({ ...typed, name: " " }), null);
});

test("the tree of groups has no holes, and a group stands before those below it", () => {
  const tree = tree_of([
    { group: "a b", devices: 1, meters: 0 },
    { group: "a/c/d", devices: 2, meters: 3 },
  ]);
  assert.deepEqual(tree.map(({ group }) => group), ["a", "a/c", "a/c/d", "a b"]);
  assert.equal(tree[1]?.devices, 0);
});

test("health becomes curves that grow in time, without what nobody told", () => {
  const none = { signal_dbm: null, uptime_s: null, queue: null, errors: null, photos_lost: null,
    temperature_c: null, humidity_percent: null };
  const courses = courses_of([
    { ...none, source: "dtu", at_ms: 3_000, signal_dbm: -70 },
    { ...none, source: "camera", at_ms: 2_000, photos_lost: 0 },
    { ...none, source: "dtu", at_ms: 1_000, signal_dbm: -80 },
  ]);
  assert.deepEqual(courses.map((one) => [one.source, one.quantity, one.seconds, one.values]),
    [["dtu", "signal_dbm", [1, 3], [-80, -70]], ["camera", "photos_lost", [2], [0]]]);
});

test("devices are found by name, remark, label, group and state", () => {
  const fleet = new Fleet();
  fleet.take_devices([
    device("m1", { group: "berlin/north", labels: { floor: "3" } }),
    device("m2", { group: "berlin", remark: "Keller" }),
    device("m3", { group: "berlinale", enabled: false }),
  ]);
  const found = (wish: Partial<Parameters<typeof chosen_of>[1]>): string[] =>
    chosen_of(fleet.all(), { search: "", filter: "all", group: "", order: "name", ...wish })
      .map((entry) => entry.device.id);
  assert.deepEqual(found({ group: "berlin" }), ["m1", "m2"]);
  assert.deepEqual(found({ search: "floor=3" }), ["m1"]);
  assert.deepEqual(found({ search: "KELLER" }), ["m2"]);
  assert.deepEqual(found({ filter: "disabled" }), ["m3"]);
});

test("a list that comes in parts leaves who came meanwhile, and forgets who is no more", () => {
  const fleet = new Fleet();
  const names = (): string[] => fleet.all().map((entry) => entry.device.id);
  fleet.take_devices([device("gone"), device("m5")]);
  fleet.begin_listing();
  fleet.take_devices([device("m9"), device("m5")]);
  fleet.take_device(device("m1"));
  assert.deepEqual(names(), ["gone", "m1", "m5", "m9"]);
  fleet.end_listing();
  assert.deepEqual(names(), ["m1", "m5", "m9"]);
  fleet.forget("m5");
  fleet.take_devices([device("m5"), device("a")]);
  assert.deepEqual(names(), ["a", "m1", "m5", "m9"]);
});
