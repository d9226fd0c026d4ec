import assert from "node:assert/strict";
import { test } from "node:test";

import type { Command, Device, Photo, Reading, Review, Schedule } from "./api/openapi";
import { crop_of, spoken, wheel_shapes, wheels_of, type Point } from "./digits";
import { Fleet } from "./fleet";
import { count_of } from "./due";
import { edit_of } from "./parts/meter_forms";
import { replace_digit } from "./parts/digits_input";
import { place_of, link_to } from "./router";
import { judge_pixels } from "./sharpness";
import { error_texts } from "./words/errors";
import { fleet_texts } from "./words/fleet";
import { frame } from "./words/frame";
import { login_texts } from "./words/login";
import { meter_texts } from "./words/meters";
import { setting_text, setting_values } from "./words/settings";
import { operation_texts } from "./words/operation";
import { people_texts } from "./words/people";
import { setup_texts } from "./words/setup";
import { state_text } from "./words/state";
import { upkeep_texts } from "./words/upkeep";
import { preferred_language, Words } from "./words/words";
import { ranges_of_CameraSettings, ranges_of_DtuSettings } from "./api/openapi";

function command(id: number, state: Command["state"], updated_ms: number): Command {
  const none = { reason: null, photo: null, reading: null, created_ms: 0 };
  const packets = { packets_received: 3, packets_total: 9 };
  return { ...none, ...packets, id, device: "m1", kind: "capture", state, updated_ms };
}

function device(id: string): Device {
  const seen = { first_seen_ms: 1, last_seen_ms: 2, firmware: null, remark: "", state: null };
  const newest = { newest_photo: null, newest_reading: null, active_command: null };
  return { id, dialect: "native", product: "meterlens", online: true, ...seen, ...newest };
}

test("wheels: red decimals and unclear digits", () => {
  const wheels = wheels_of({ digits: "01949", red: 2, certain: 4 });
  assert.deepEqual(wheels.map((wheel) => wheel.red), [false, false, false, true, true]);
  assert.deepEqual(wheels.map((wheel) => wheel.certain), [true, true, true, true, false]);
  assert.equal(spoken("19.49"), "1 9 . 4 9");
});

test("wheels: how sure the reader was of each, unless a person says something else", () => {
  const reading = { digits: "019", red: 0, certain: 2, wheels: [1, 0.998, 0.41] };
  const sure = (change: object) => wheels_of({ ...reading, ...change }).map((wheel) => wheel.sure);
  const review = { seen: { digits: "019" } } as Review;
  assert.deepEqual(sure({}), [1, 0.998, 0.41]);
  assert.deepEqual(sure({ review }), [1, 0.998, 0.41]);
  assert.deepEqual(sure({ digits: "018", review }), [null, null, null]);
  assert.deepEqual(sure({ wheels: [] }), [null, null, null]);
});

test("a window is cut into its wheels, and shown upright however it lies", () => {
  const window: Point[] = [[100, 50], [200, 50], [200, 70], [100, 70]];
  assert.deepEqual(wheel_shapes(window, 5)[1], [[120, 50], [140, 50], [140, 70], [120, 70]]);
  // The same window upside down: its first corner must come to the crop's top left again.
  const turned = [window[2]!, window[3]!, window[0]!, window[1]!];
  for (const [corners, what] of [[window, "upright"], [turned, "upside down"]] as const) {
    const { transform: [a, b, c, d, e, f], width, height } = crop_of([...corners], 240, 0.5);
    const [x, y] = corners[0]!;
    const at = [a * x + c * y + e, b * x + d * y + f].map(Math.round);
    assert.deepEqual(at, [20, 20], what);
    assert.deepEqual([width, Math.round(height)], [240, 80], what);
  }
});

test("late news of a command does not undo newer news", () => {
  const fleet = new Fleet();
  fleet.take_devices([device("m1")]);
  const now = () => fleet.entry("m1").get()?.command;
  fleet.take_command(command(7, "transferring", 30));
  fleet.take_command(command(7, "sent", 20));
  assert.equal(now()?.state, "transferring");
  fleet.take_command(command(8, "queued", 10));
  assert.equal(now()?.id, 8);
  fleet.take_command(command(7, "read", 99));
  assert.equal(now()?.id, 8);
});

test("an older photo never replaces a newer one", () => {
  const fleet = new Fleet();
  fleet.take_devices([device("m1")]);
  fleet.take_photo({ id: 5, device: "m1" } as Photo);
  fleet.take_photo({ id: 4, device: "m1" } as Photo);
  fleet.take_devices([{ ...device("m1"), newest_photo: { id: 3, device: "m1" } as Photo }]);
  assert.equal(fleet.entry("m1").get()?.device.newest_photo?.id, 5);
});

test("a device's newest reading is the one that the server would show", () => {
  const fleet = new Fleet();
  const reading = (id: number, at_ms: number, meter = "m1"): Reading =>
    ({ id, at_ms, meter, device: "m1" }) as Reading;
  const shown = () => fleet.find("m1")?.device.newest_reading?.id;
  const say = (newest_reading: Reading | null): void =>
    fleet.take_devices([{ ...device("m1"), newest_reading }]);
  say(null);
  fleet.take_reading(reading(5, 500));
  fleet.take_reading(reading(6, 100)); // entered for last Monday
  assert.equal(shown(), 5);
  say(reading(7, 200));
  say(null);
  assert.equal(shown(), 5);
  fleet.take_reading(reading(8, 500));
  assert.equal(shown(), 8);
  fleet.take_reading(reading(9, 900, "m2"));
  assert.equal(shown(), 8, "the camera's other meter");
  say(reading(9, 900, "m2"));
  say(reading(3, 300, "m1"));
  assert.equal(shown(), 3, "the server says which meter");
});

test("a list that was asked for before an event undoes nothing of it", () => {
  const fleet = new Fleet();
  fleet.take_devices([device("m1"), device("m2")]);
  const asked = fleet.told;
  fleet.begin_listing();
  fleet.take_device({ ...device("m1"), online: false });
  fleet.take_devices([device("m1"), { ...device("m2"), online: false }], asked);
  fleet.end_listing();
  const online = () => fleet.all().map((entry) => entry.device.online);
  assert.deepEqual(online(), [false, false]);
  fleet.take_devices([device("m1")], fleet.told);
  assert.deepEqual(online(), [true, false]);
});

test("lists leave what a device said as it was, rows change no known device", () => {
  const fleet = new Fleet();
  const said = { csq: 20 } as unknown as Device["state"];
  fleet.take_devices([{ ...device("m1"), state: said }]);
  fleet.take_devices([{ ...device("m1"), remark: "cellar" }]);
  const now = fleet.find("m1")?.device;
  assert.deepEqual([now?.state, now?.remark], [said, "cellar"]);
  fleet.take_rows([{ ...device("m1"), remark: "older" }, device("m2")]);
  assert.equal(fleet.find("m1")?.device.remark, "cellar");
  assert.deepEqual(fleet.all().map((entry) => entry.device.id), ["m1", "m2"]);
  assert.equal(fleet.find("m3"), undefined);
});

test("who follows one device hears of that one, also before it comes", () => {
  const fleet = new Fleet();
  let heard = 0;
  fleet.entry("m2").listen(() => ++heard);
  fleet.take_command(command(1, "sent", 1));
  fleet.take_devices([device("m1")]);
  assert.equal(heard, 0);
  assert.deepEqual(fleet.all().map((entry) => entry.device.id), ["m1"]);
  fleet.take_devices([device("m2"), device("m0")]);
  assert.equal(heard, 1);
  assert.deepEqual(fleet.all().map((entry) => entry.device.id), ["m0", "m1", "m2"]);
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
  assert.match(words.error("conflict", "it was changed meanwhile: now 4"), /still here.*now 4/);
  assert.match(words.error("conflict", "there is a meter m already"), /what is there: .*m already/);
  assert.equal(words.error("wrong_state", "the campaign is over"),
    "That is not possible now: the campaign is over");
  const zh = new Words("zh");
  assert.equal(zh.error("unknown_meter", `there is no meter "m"`),
    `服务器不认识此表计。（没有表计 "m"）`);
  assert.equal(zh.error("no_devices", "the target means no known device"), "没有符合的设备。");
  assert.equal(zh.error("strange", "because"), "操作失败：because");
  assert.equal(zh.trouble("not_let_in", "the answer is 401"),
    "对方拒绝访问：请检查密钥、令牌或密码。（对方回答 401）");
  assert.match(zh.trouble("newer", "because"), /操作失败.*because/);
  assert.match(words.error("strange", "because"), /because/);
  assert.equal(new Words("zh").progress(command(1, "transferring", 1), true), "数据包 3 / 9");
});

test("every text is there in both languages, with the same parts to fill in", () => {
  const same = new Set([
    "dialect_smartdtu", "part_dtu", "json", "control_send", "sink_home_assistant", "sink_webhook",
    "sink_influxdb", "subject_dtu", "store_postgresql", "store_sqlite",
  ]);
  const parts = (text: string): string[] => [...text.matchAll(/\{\d\}/g)].map(String).sort();
  const tables = [
    frame, error_texts, login_texts, fleet_texts, meter_texts, setup_texts, operation_texts,
    people_texts, upkeep_texts,
  ];
  const texts: Record<string, [string, string]> = {};
  for (const [word, text] of tables.flatMap((table) => Object.entries(table))) {
    assert.ok(!(word in texts), `${word} stands in two tables`);
    texts[word] = text;
  }
  for (const [word, [en, zh]] of Object.entries(texts)) {
    assert.ok(en !== "" && zh !== "", word);
    assert.deepEqual([...new Set(parts(zh))], [...new Set(parts(en))], word);
    if (!same.has(word)) assert.notEqual(en, zh, word);
    if (!same.has(word) && word !== "other_language" && /[a-z]{2}/i.test(zh))
      assert.match(zh, /[\u4e00-\u9fff]/, word);
    if (!same.has(word) && word !== "other_language" && !/^[{}\d\s/A-Za-z]*$/.test(en))
      assert.doesNotMatch(en, /[\u4e00-\u9fff]/, word);
  }
});

test("every setting has a name in both languages, and as many values as its range", () => {
  const all = [...ranges_of_CameraSettings, ...ranges_of_DtuSettings];
  for (const { name, minimum, maximum } of all) {
    assert.notEqual(setting_text("en", name), name);
    assert.match(setting_text("zh", name), /[\u4e00-\u9fff]/, name);
    const values = setting_values("en", name);
    if (values !== null) assert.equal(values.length, maximum - minimum + 1, name);
  }
});

test("what a DTU says of itself, part by part", () => {
  assert.equal(state_text("en", "timer1.period"), "timer 1, period, ms");
  assert.equal(state_text("zh", "gpio.gpio3"), "引脚 3");
  assert.equal(state_text("zh", "gpio.gpio12"), "引脚 12");
  assert.equal(state_text("zh", "uart2.config.baud_rate"), "串口 2, 参数, 波特率");
  assert.equal(state_text("zh", "timer1.callback"), "定时器 1, 上报内容");
  assert.equal(state_text("zh", "line_baud"), "串口速率（波特）");
  assert.equal(state_text("zh", "aht10.temperature"), "温湿度, 温度（°C）");
  assert.equal(state_text("zh", "other.of_its_own"), "other, of_its_own");
});

test("the server's reasons in Chinese, as far as they are known", () => {
  const words = new Words("zh");
  assert.equal(words.reason("turning"), "字轮正在转动");
  assert.equal(words.reason("the reader doubts it: glare"), "识别结果存疑：反光");
  assert.equal(words.reason("something new"), "something new");
  assert.equal(
    words.reason(
      "the photo alone says 84411, 4 wheels certain; the last accepted reading decided the rest",
    ),
    "仅凭照片为 84411，其中 4 位确定；其余位由上次采用的读数决定",
  );
  assert.equal(
    words.reason("1234 MiB free, 5000 wanted: make room, or keep less"),
    "剩余 1234 MiB，需要 5000 MiB：请清理空间或减少保留",
  );
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

test("addresses: there and back, and broken ones", () => {
  for (const id of ["m1", "a b", "50%", "../x", "表"])
    assert.deepEqual(place_of(link_to("devices", id)), { page: "devices", id });
  assert.deepEqual(place_of(""), { page: "", id: "" });
  assert.equal(place_of("#/devices/%E0%A4%A").page, "unknown");
});

test("a digit typed replaces the one at the cursor", () => {
  assert.deepEqual(replace_digit("01234", 2, 3, "9"), ["01934", 3]);
  assert.deepEqual(replace_digit("01234", 2, 2, "9"), ["01934", 3]);
  assert.deepEqual(replace_digit("01234", 0, 5, "7"), ["7", 1]);
  assert.deepEqual(replace_digit("01234", 5, 5, "9"), ["012349", 6]);
  assert.deepEqual(replace_digit("01234", 1, 1, "x"), ["01234", 1]);
  assert.deepEqual(replace_digit("", 0, 0, "12 34"), ["1234", 4]);
  assert.deepEqual(replace_digit("012345678901", 12, 12, "9"), ["012345678901", 12]);
});

function striped(period: number, low: number, high: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(64 * 48 * 4);
  for (let i = 0; i < 64 * 48; ++i) {
    const light = Math.floor((i % 64) / period) % 2 === 0 ? low : high;
    out.set([light, light, light, 255], 4 * i);
  }
  return out;
}

test("a frame's sharpness, glare and light", () => {
  assert.deepEqual(judge_pixels(striped(4, 60, 200), 64, 48).hints, ["good"]);
  assert.deepEqual(judge_pixels(striped(64, 120, 120), 64, 48).hints, ["blurred"]);
  assert.deepEqual(judge_pixels(striped(4, 0, 40), 64, 48).hints, ["dark"]);
  assert.deepEqual(judge_pixels(striped(4, 80, 255), 64, 48).hints, ["glare"]);
  assert.deepEqual(judge_pixels(striped(64, 254, 254), 64, 48).hints, ["bright", "blurred"]);
  const sharp = judge_pixels(striped(2, 60, 200), 64, 48).sharpness;
  assert.ok(sharp > judge_pixels(striped(2, 110, 150), 64, 48).sharpness);
});

test("an edit of a meter has what was changed, and null for what cannot be", () => {
  const meter = {
    id: "m1", version: 4, medium: null, wheels: 8, decimals: 3, unit: "m³", factor: "1",
    serial: null, place: "cellar", rate_max: null, installed_ms: null, removed_ms: null,
  };
  assert.deepEqual(edit_of(meter, {}), { version: 4 });
  assert.deepEqual(edit_of(meter, { wheels: "8", place: " cellar " }), { version: 4 });
  assert.deepEqual(edit_of(meter, { wheels: "", place: "", medium: "gas", rate_max: "70" }), {
    version: 4, wheels: null, place: null, medium: "gas", rate_max: 70,
  });
  for (const typed of [{ wheels: "13" }, { wheels: "x" }, { decimals: "-1" }, { factor: "1,5" },
    { factor: "" }, { rate_max: "0" }])
    assert.equal(edit_of(meter, typed), null, JSON.stringify(typed));
});

test("for how many a schedule is", () => {
  const groups = [
    { group: "berlin", devices: 1, meters: 10 }, { group: "berlin/north", devices: 2, meters: 20 },
    { group: "berlinale", devices: 4, meters: 40 },
  ];
  const none = { devices: [], group: "", meters: [], meter_group: "" };
  const counted = (part: Partial<Schedule>): number =>
    count_of({ ...none, ...part } as unknown as Schedule, groups, 100);
  assert.equal(counted({}), 100);
  assert.equal(counted({ devices: ["m1", "m2"] }), 2);
  assert.equal(counted({ meters: ["m1"] }), 1);
  assert.equal(counted({ group: "berlin" }), 3);
  assert.equal(counted({ meter_group: "berlin" }), 30);
  assert.equal(counted({ meter_group: "rome" }), 0);
});
