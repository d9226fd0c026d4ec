// A meter's page: its curves, its photos through time, and forms that take no nonsense.
import assert from "node:assert/strict";
import { in_language, judge, open, phone } from "../browser.mjs";

const nasty = `<script>alert("x")</script> 水表 😀 & "quoted"`;

async function facts_form({ page, shot }) {
  await page.getByText("What the meter is").click();
  const form = page.locator('form[aria-label="What the meter is"]');
  const save = form.locator("button.main");
  assert.equal(await save.getAttribute("aria-disabled"), "true", "nothing has changed yet");
  const place = form.getByLabel("Place");
  await place.fill("😀".repeat(51)); // 204 bytes
  await form.getByText("Too long: at most 200 bytes").waitFor();
  await form.getByLabel("Factor").fill("1,5x");
  await form.getByText("A number like 195.419 is wanted").waitFor();
  await form.getByLabel("Factor").fill("1");
  await place.fill(nasty);
  await form.getByLabel("Medium").selectOption("water");
  await form.getByLabel("Unit").fill("m³");
  await save.click();
  await form.getByText("Saved").waitFor();
  await page.locator("header.title .facts", { hasText: "<script>alert" }).waitFor();
  await shot(page, "meter-facts");
}

// Somebody else changes the meter while the form is open: told, and what was typed stays.
async function facts_conflict({ page, url, meter }) {
  const form = page.locator('form[aria-label="What the meter is"]');
  await form.getByLabel("Serial number").fill("mine");
  const at = `${new URL(url).origin}/api/v1/meters/${meter}`;
  const { version } = await (await page.request.get(at)).json();
  const other = await page.request.patch(at, { data: { version, serial: "theirs" } });
  assert.equal(other.status(), 200);
  await form.locator("button.main").click();
  await form.getByText("Somebody else has changed this meanwhile").waitFor();
  assert.equal(await form.getByLabel("Serial number").inputValue(), "mine");
  await page.locator("header.title .facts", { hasText: "theirs" }).waitFor();
  await form.locator("button.main").click();
  await form.getByText("Saved").waitFor();
}

async function manual_form({ page }) {
  await page.getByText("Enter a reading by hand").click();
  const form = page.locator('form[aria-label="Enter a reading by hand"]');
  const enter = form.locator("button.main");
  assert.equal(await enter.getAttribute("aria-disabled"), "true", "empty is not sent");
  await form.getByLabel("Value").fill("12a");
  await form.getByText("A number like 195.419 is wanted").waitFor();
  // Well formed, but the server knows better: its words are shown, what was typed stays.
  await form.getByLabel("Value").fill("1.2345678");
  await enter.click();
  await form.locator("[role=alert]", { hasText: "does not fit the meter" }).waitFor();
  assert.equal(await form.getByLabel("Value").inputValue(), "1.2345678");
}

// One reader alone was asked; then the words of a second one, made up here: a real one costs money.
async function second_reader(page, slider) {
  assert.equal(await page.locator(".timeline .said").count(), 0);
  const one = { status: "read", certain: 5, red: 0, confidence: 0.9, words: [], note: null };
  const said = [
    { ...one, reader: "local", status: "doubtful", digits: "10293", believed: false },
    { ...one, reader: "baidu", digits: "10298", believed: true },
  ];
  await page.route("**/api/v1/readings/*/said", (route) => route.fulfill({ json: { said } }));
  await slider.focus();
  await page.keyboard.press("End");
  const words = page.locator(".timeline .said [data-reader=baidu]", { hasText: "10298" });
  assert.match(await words.textContent(), /Baidu.*read · believed/);
}

export async function meter({ context, url, shot, meter }) {
  const expected = [[409, `/meters/${meter}`], [400, `/meters/${meter}/readings`]];
  const { page, faults } = await open(context, url, `meters/${meter}`, expected);
  await page.locator(".chart .uplot").nth(1).waitFor();
  for (const step of ["hour", "month", "day"]) await page.getByLabel("Use per").selectOption(step);
  await page.getByLabel("Time shown").selectOption("year");
  const slider = page.locator(".timeline input[type=range]");
  const newest = await page.locator(".timeline .reading").getAttribute("data-reading");
  await slider.focus();
  await page.keyboard.press("Home");
  await page.locator(`.timeline .reading:not([data-reading="${newest}"])`).waitFor();
  await page.locator(".timeline .window .outline").waitFor();
  await page.getByText("What was said of it").click();
  await page.locator(".timeline ol.lines li").first().waitFor();
  await second_reader(page, slider);
  await facts_form({ page, shot });
  await facts_conflict({ page, url, meter });
  await manual_form({ page });
  // Every hour between two values of the old book.
  await page.getByText("Estimate what is missing").click();
  const estimates = page.locator('form[aria-label="Estimate what is missing"]');
  await estimates.getByLabel("One each").selectOption("hour");
  await estimates.locator("button.main").click();
  await estimates.getByText(/[1-9]\d* estimates made/).waitFor();
  const download = page.waitForEvent("download");
  await page.getByText("Export as CSV").click();
  assert.equal((await download).suggestedFilename(), `${meter}.csv`);
  assert.deepEqual(faults, []);
  await page.close();
}

// The server looks meters up by what they are and how they stand, however many there are.
export async function meters({ context, url, shot }) {
  const { page, faults } = await open(context, url, "meters");
  const send = async (method, path, data, wanted) => {
    const answer = await page.request.fetch(`${new URL(url).origin}/api/v1${path}`,
      { method, data });
    assert.equal(answer.status(), wanted, await answer.text());
  };
  await send("POST", "/meters", { id: "zz-unread", place: `Keller 100% ${nasty}`, serial: "AB_7",
    medium: "gas" }, 201);
  await send("PUT", "/meters/zz-unread/tags", { group: "rome", labels: {}, version: 0 }, 200);
  const names = page.locator("ul.cards strong");
  const only = async (...wanted) => {
    await page.locator('ul.cards[aria-busy="false"]').waitFor();
    await names.nth(wanted.length).waitFor({ state: "detached" });
    await names.getByText(wanted[0], { exact: true }).waitFor();
    assert.deepEqual(await names.allTextContents(), wanted);
  };
  await page.reload();
  await page.locator(".cards .newest").first().waitFor();
  for (const part of ["KELLER", "100%", "b_7", "ZZ-UN", "水表 😀"]) {
    await page.getByLabel("Search").fill(part);
    await only("zz-unread");
  }
  await page.locator(".cards .facts", { hasText: "<script>alert" }).waitFor();
  await page.getByLabel("Search").fill("l_r");
  await page.getByText("No meter of that kind.").waitFor();
  await page.getByLabel("Search").fill("x".repeat(201));
  await page.getByText("Too long: at most 200 bytes").waitFor();
  await page.getByLabel("Search").fill("");
  await page.getByLabel("Newest reading").selectOption("doubtful");
  await only("browser-gas", "browser-heat");
  await page.getByLabel("Newest reading").selectOption("none");
  await names.getByText("zz-unread").waitFor();
  await page.getByLabel("Group").selectOption("rome");
  await only("zz-unread");
  await page.setViewportSize(phone);
  for (const language of ["en", "zh"]) {
    await in_language(page, language);
    await judge(page, `meters looked for, ${language}`);
    await shot(page, `meters-found-${language}`);
  }
  await in_language(page, "en");
  await page.getByLabel("Alarms").selectOption("true");
  await page.getByText("No meter of that kind.").waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}

// Another window has changed it meanwhile: what was typed stays, and goes with the next try.
async function schedule_conflict({ page, url, item }) {
  const id = await item.getAttribute("data-schedule");
  await item.getByText("Change", { exact: true }).click();
  const form = item.locator("form");
  await form.getByLabel("What it is for").selectOption("meters");
  await form.getByLabel("Names").waitFor();
  await form.getByLabel("What it is for").selectOption("meter_group");
  await form.getByLabel("Group").fill("berlin");
  const { schedules: all } = await (await page.request.get(`${url}api/v1/schedules`)).json();
  const { version } = all.find((one) => String(one.id) === id);
  const answer = await page.request.put(`${url}api/v1/schedules/${id}`,
    { data: { version, spread_s: 60 }, headers: { "X-Meterlens": "1" } });
  assert.equal(answer.status(), 200);
  await form.locator("button.main").click();
  await form.getByText("Somebody else has changed this meanwhile").waitFor();
  assert.equal(await form.getByLabel("Group").inputValue(), "berlin", "nothing typed is lost");
  await form.locator("button.main").click();
  await item.getByText("meters of group berlin").waitFor();
}

export async function schedules({ context, url, shot }) {
  const { page, faults } = await open(context, url, "schedules", [[409, ""]]);
  const form = page.locator('form[aria-label="New schedule"]');
  await form.getByLabel("When (cron)").fill("0 25 * * *");
  await form.getByText("The hour is wrong").waitFor();
  await form.getByLabel("When (cron)").fill("30 6 * * mon-fri");
  await form.getByText(/Every Monday, Tuesday.* at 06:30/).waitFor();
  await form.getByText("Next:").waitFor();
  await form.getByLabel("Time zone").fill("Nowhere/Else");
  await form.getByText("The name of a time zone").waitFor();
  await form.getByLabel("Time zone").fill("Asia/Shanghai");
  await form.getByLabel("Name", { exact: true }).fill(nasty.slice(0, 40));
  await form.locator("button.main").click();
  const item = page.locator("li[data-schedule]", { hasText: "<script>alert" });
  await item.waitFor();
  await item.getByText("Pause").click();
  await item.getByText("paused").waitFor();
  await shot(page, "schedules-changed");
  await schedule_conflict({ page, url, item });
  await item.getByText("Delete").click();
  await item.getByText("Really delete").click();
  await item.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await page.close();
}

// Flashing without a board: what is wrong is told, before and after the port is asked for.
export async function flash({ context, url, shot }) {
  await context.addInitScript(() => {
    const requestPort = () => Promise.reject(new Error("no port was chosen"));
    Object.defineProperty(Navigator.prototype, "serial", { get: () => ({ requestPort }) });
  });
  const { page, faults } = await open(context, url, "flash");
  const file = (name) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(9) });
  await page.getByLabel("Files of the build")
    .setInputFiles([file("bootloader.bin"), file("meterlens_esp32cam.bin")]);
  const loader = page.getByLabel("Address of bootloader.bin");
  assert.equal(await loader.inputValue(), "0x1000");
  await loader.fill("0x1001<script>");
  await page.getByText("An address like 0x10000").waitFor();
  assert.equal(await page.locator("form button.main").getAttribute("aria-disabled"), "true");
  await loader.fill("0x1000");
  await page.locator("form button.main").click();
  await page.locator("[role=alert]", { hasText: "not flashed: no port was chosen" }).waitFor();
  await shot(page, "flash-failed");
  assert.deepEqual(faults, []);
  await page.close();
}

export async function images({ context, url }) {
  const { page, faults } = await open(context, url, "images", [[403, "/images"], [400, "/images"],
    [503, "/images"]]);
  const file = { name: "x.mli", mimeType: "application/octet-stream", buffer: Buffer.from("no") };
  await page.getByLabel("Signed image").setInputFiles(file);
  await page.locator("form button.main").click();
  await page.locator("form [role=alert]:not(:empty)").waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}
