import assert from "node:assert/strict";
import { test } from "node:test";
import { days_text, midnight_ms } from "./billing_time";
import { changes_max, changes_of } from "./changes";
import { sums_of } from "./second_use";
import { groups_of, user_changes } from "./user_edit";

test("what was changed is found, whatever its shape", () => {
  const before = { name: "ana", role: "viewer", groups: ["a"], deep: { x: { y: 1, z: { w: 2 } } } };
  const after = { name: "ana", role: "operator", groups: ["a", "b"], deep: { x: { y: 2 } } };
  assert.deepEqual(changes_of(before, after), [
    { key: "role", before: "viewer", after: "operator" },
    { key: "groups", before: '["a"]', after: '["a","b"]' },
    { key: "deep.x.y", before: "1", after: "2" },
    { key: "deep.x.z", before: '{"w":2}', after: null },
  ]);
  assert.deepEqual(changes_of(null, null), []);
  assert.deepEqual(changes_of(null, { a: null, b: false }), [
    { key: "b", before: null, after: "false" },
  ]);
  assert.deepEqual(changes_of("text", 7), [{ key: "", before: "text", after: "7" }]);
  const long = "x".repeat(999);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, long]));
  const found = changes_of(null, many);
  assert.equal(found.length, changes_max);
  assert.equal(found[0]?.after?.length, 201);
});

test("costs are added up exactly", () => {
  const use = (day: string, meter: string, cost: string) =>
    ({ day, meter, calls: 2, billed: 1, cost });
  const uses = [use("2026-02-01", "a", "0.1"), use("2026-02-01", "b", "0.200001"),
    use("2026-01-31", "a", "9007199254.740993")];
  assert.deepEqual(sums_of(uses, "day"), [
    { name: "2026-02-01", calls: 4, billed: 2, cost: "0.300001" },
    { name: "2026-01-31", calls: 2, billed: 1, cost: "9007199254.740993" },
  ]);
  assert.equal(sums_of(uses, "meter")[0]?.cost, "9007199254.840993");
  assert.equal(sums_of(uses, null)[0]?.calls, 6);
  assert.equal(sums_of([use("2026-01-01", "a", "12")], null)[0]?.cost, "12.00");
  assert.deepEqual(sums_of([], null), []);
});

test("only what was changed of a user is sent", () => {
  const user = { name: "ana", role: "viewer", groups: ["a/b"], disabled: false } as const;
  const typed = { role: "viewer", groups: "a/b", password: "" } as const;
  assert.equal(user_changes(user, typed), null);
  assert.deepEqual(user_changes(user, { ...typed, role: "operator" }), { role: "operator" });
  assert.deepEqual(user_changes(user, { ...typed, groups: "" }), { groups: [] });
  assert.deepEqual(user_changes(user, { ...typed, password: "a long one" }),
    { password: "a long one" });
  assert.deepEqual(groups_of(" North side, 二号楼 ;\n北/京,,"), ["North side", "二号楼", "北/京"]);
});

test("days are those of the place", () => {
  assert.equal(midnight_ms("2026-02-30", 0), null);
  assert.equal(midnight_ms("nonsense", 0), null);
  const first = midnight_ms("2026-03-01", 0)!;
  assert.equal(days_text(new Date(first)), "2026-03-01");
  const next = new Date(midnight_ms("2026-03-31", 1)!);
  assert.equal(days_text(next), "2026-04-01");
  assert.equal(next.getHours(), 0);
});
