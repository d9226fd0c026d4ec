// 100,000 devices in one table: scrolled, searched, filtered. Only the list is made up here.
import assert from "node:assert/strict";
import { watch } from "../browser.mjs";

const device_count = 100_000;
const page_sizes = [200, 5_000, 1_000, 50]; // the first, the rows, the whole, those of a search
const frame_ms_max = 50;
const pace_ms = 30; // of slowness()
const lists_at_once = 2;

function made_up_devices() {
  const none = { newest_photo: null, newest_reading: null, active_command: null, state: null };
  return Array.from({ length: device_count }, (_, index) => ({
    id: `m${String(index).padStart(6, "0")}`,
    dialect: index % 3 === 0 ? "smartdtu" : "native",
    product: "meterlens",
    online: index % 10 !== 0,
    first_seen_ms: 1,
    last_seen_ms: 1_790_000_000_000 + index,
    firmware: null,
    remark: index % 7 === 0 ? `Haus ${index}` : "",
    health: null,
    group: index % 2 === 0 ? "berlin/north" : "",
    labels: {},
    enabled: true,
    packets_dropped: 0,
    ...none,
  }));
}

// As the server does: a page of those that are wished, and where the next one begins.
function page_of(devices, address) {
  const { searchParams: asked } = new URL(address);
  const size = Number(asked.get("limit"));
  assert.ok(page_sizes.includes(size), `pages of ${size}`);
  const search = asked.get("search") ?? "";
  const is_wished = ({ id, remark, online, dialect }) =>
    (id.includes(search) || remark.toLowerCase().includes(search)) &&
    String(online) === (asked.get("online") ?? String(online)) &&
    dialect === (asked.get("dialect") ?? dialect);
  const cursor = asked.get("cursor") ?? "";
  const fields = asked.get("fields")?.split(",").concat("id");
  const part_of = (device) => fields === undefined ? device
    : Object.fromEntries(fields.map((name) => [name, device[name]]));
  const found = [];
  for (let at = devices.findIndex(({ id }) => id > cursor); at >= 0 && at < devices.length; ++at) {
    if (!is_wished(devices[at])) continue;
    if (found.length === size)
      return JSON.stringify({ devices: found, next: found.at(-1).id });
    found.push(part_of(devices[at]));
  }
  return JSON.stringify({ devices: found, next: null });
}

// What the page's main thread works for one step of scrolling, in milliseconds of its own time: a
// machine that does much else makes frames late, but not this. `first` happens before the step.
async function work_of(page, cdp, step_px, first) {
  return work_ms(cdp, async () => {
    await first();
    await page.locator(".rows").evaluate(async (box, step_px) => {
      box.scrollTop += step_px;
      for (let frame = 0; frame < 2; ++frame) await new Promise(requestAnimationFrame);
    }, step_px);
  });
}

async function work_ms(cdp, act) {
  const worked = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1_000;
  };
  const before = await worked();
  await act();
  return (await worked()) - before;
}

// How much slower this core is just now than one of 2.9 GHz that nobody shares (an EPYC of 2021):
// by the same work each time, the least of five.
async function slowness(page, cdp) {
  const times = [];
  for (let round = 0; round < 5; ++round)
    times.push(await work_ms(cdp, () => page.evaluate(() => {
      const made = Array.from({ length: 3_000 }, (_, i) => ({ id: `m${i}`, at: [i], of: { i } }));
      for (let round = 0; round < 10; ++round) JSON.parse(JSON.stringify(made));
    })));
  return Math.max(1, Math.min(...times) / pace_ms);
}

// The most of twenty steps, in the best of three rounds: the collector may come into one. A core
// that is slower just then may take as much longer.
async function check_frames(page, cdp, what, step_px, first = async () => undefined) {
  const rounds = [];
  for (let round = 0; round < 3 && !(Math.min(...rounds) < frame_ms_max); ++round) {
    const times = [];
    const slower = await slowness(page, cdp);
    for (let step = 0; step < 20; ++step) times.push(await work_of(page, cdp, step_px, first));
    const mean = times.reduce((sum, one) => sum + one, 0) / times.length;
    rounds.push(Math.max(...times) / slower);
    console.log(`fleet: ${what}, work a frame: mean ${mean.toFixed(1)} ms, most ` +
      `${Math.max(...times).toFixed(1)} ms, on a core ${slower.toFixed(2)} times slower`);
  }
  assert.ok(Math.min(...rounds) < frame_ms_max, `${what}: frames of ${rounds} ms`);
}

// Answers for the list of devices. The first page comes at once, the others one by one as they are
// let go, until all may come. First the rows of all are asked for, a few thousand at once, then the
// devices with all that is known of them.
async function serve_devices(page, devices) {
  const held = [];
  let is_open = false;
  await page.route(/\/api\/v1\/devices\?/, async (route) => {
    const address = route.request().url();
    if (!is_open && page_sizes.slice(1, 3).some((size) => address.includes(`limit=${size}`)))
      await new Promise((go) => held.push(go));
    await route.fulfill({ contentType: "application/json", body: page_of(devices, address) });
  });
  return {
    held,
    // Another may be asked for only a moment later.
    next: async () => {
      while (held.length === 0) await new Promise((go) => setTimeout(go, 5));
      held.shift()();
    },
    open: () => {
      is_open = true;
      for (const go of held.splice(0)) go();
    },
  };
}

// What came first can be looked through while the rest is on its way, and is scrolled as smoothly.
async function check_coming(page, cdp, served) {
  await page.getByText("200 of 200 devices so far").waitFor();
  const shown_ms = await page.evaluate(() => performance.now());
  console.log(`fleet: the first of 100,000 devices show after ${shown_ms.toFixed(0)} ms`);
  await page.getByLabel("Search").fill("haus 7");
  await page.getByText("m000007").waitFor();
  // Its page of the list comes last of all; the server is asked for it.
  await page.getByLabel("Search").fill("m09876");
  await page.getByText("m098765").waitFor();
  await page.getByLabel("Search").fill("haus 98763");
  await page.getByText("m098763").waitFor();
  await page.getByLabel("Search").fill("");
  // All can be looked through while their readings are still to come.
  for (let count = 0; count < device_count; count += page_sizes[1]) await served.next();
  await page.getByText("100,000 of 100,000 devices; their readings are on their way").waitFor();
  await page.getByLabel("Search").fill("haus 99995");
  await page.getByText("1 of 100,000 devices").waitFor();
  await page.getByLabel("Search").fill("");
  while (served.held.length < lists_at_once) await new Promise((go) => setTimeout(go, 5));
  await check_frames(page, cdp, "scrolled while more come", 400, served.next);
  assert.ok(served.held.length <= lists_at_once, `${served.held.length} requests at once`);
}

export async function fleet({ context, url, shot }) {
  const page = await context.newPage();
  const faults = watch(page, url);
  const devices = made_up_devices();
  const served = await serve_devices(page, devices);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${url}#/devices`);
  await check_coming(page, cdp, served);
  served.open();
  await page.getByText("100,000 of 100,000 devices", { exact: true }).waitFor();
  await check_frames(page, cdp, "scrolled", 400);
  await check_frames(page, cdp, "leapt", 90_000);
  const drawn = await page.locator(".rows tbody tr").count();
  assert.ok(drawn < 100, `${drawn} rows are drawn`);
  await page.locator(".rows").evaluate((box) => (box.scrollTop = box.scrollHeight));
  await page.getByText("m099999").waitFor();

  await page.getByLabel("Search").fill("haus 99995");
  await page.getByText("1 of 100,000 devices").waitFor();
  await page.getByLabel("Search").fill("😀<script>");
  await page.getByText("0 of 100,000 devices").waitFor();
  await page.getByLabel("Search").fill("");
  await page.getByLabel("Show", { exact: true }).selectOption("offline");
  await page.getByText("10,000 of 100,000 devices").waitFor();
  await page.getByLabel("Choose all that are shown").check();
  await page.getByText("Take photos (10,000)").waitFor();
  await shot(page, "devices-100000");
  assert.deepEqual(faults, []);
  await page.close();
}

// Photos of all that are chosen, from the real devices.
export async function bulk({ context, url }) {
  const page = await context.newPage();
  const faults = watch(page, url);
  await page.goto(`${url}#/devices`);
  await page.locator(".rows tbody th").first().waitFor();
  await page.getByLabel("Choose all that are shown").check();
  const button = page.getByText(/^Take photos \(\d+\)$/);
  const count = Number((await button.textContent()).match(/\d+/)[0]);
  await button.click();
  await page.getByText(`${count} of ${count} ordered, 0 refused`).waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}
