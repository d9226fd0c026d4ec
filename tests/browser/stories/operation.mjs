// Many devices: groups, labels, profiles, campaigns; and one device's records, controls and care.
import assert from "node:assert/strict";
import { ask, at, in_language, judge, open, patience_ms, phone } from "../browser.mjs";

const nasty = "😀<script>alert(1)</script>";
const members = ["browser-gas", "browser-water"];

async function api(page, url, path) {
  const answer = await page.request.get(`${new URL(url).origin}/api/v1${path}`);
  assert.equal(answer.status(), 200, path);
  return answer.json();
}

// The page in the other language: every label has a Chinese word, nothing is wider than the screen.
async function in_chinese(page, shot, name) {
  await in_language(page, "zh");
  const labels = await page.locator("main label, main legend, main h3, main summary")
    .allInnerTexts();
  const own = /^(JSON|GPIO\d+: [01?]|browser-.*)$/; // the same in both
  const foreign = labels.filter((text) => text !== "" && !/[\u4e00-\u9fff]/.test(text) &&
    !own.test(text));
  assert.deepEqual(foreign, [], `${name} in Chinese`);
  await judge(page, `${name} in Chinese`);
  await shot(page, `${name}-zh`);
}

async function choose(page, names) {
  for (const name of names) await page.getByLabel(`Choose ${name}`, { exact: true }).check();
}

// The chosen devices get a group and a label; the tree of groups has them.
export async function groups({ context, url, shot }) {
  const { page, faults } = await open(context, url, "devices");
  const bulk = page.locator(".bulk");
  await choose(page, members);
  await bulk.getByLabel("For the chosen devices").selectOption("group");
  await bulk.getByLabel("Group").fill("berlin//north");
  await bulk.getByText("A path like berlin/north: at most 8 levels").waitFor();
  assert.equal(await bulk.locator("button.main").getAttribute("aria-disabled"), "true");
  await bulk.getByLabel("Group").fill("berlin/north");
  await bulk.getByText("Put into the group (2)").click();
  await bulk.getByText("2 of 2 done, 0 refused").waitFor();
  await choose(page, members);
  await bulk.getByLabel("For the chosen devices").selectOption("labels");
  await bulk.getByLabel("Labels").fill("floor=3, key=neighbour");
  await bulk.getByText("Add the labels (2)").click();
  await bulk.getByText("2 of 2 done, 0 refused").waitFor();
  await page.locator(".filters").getByLabel("Group").selectOption("berlin/north");
  await page.getByText(/^2 of \d+ devices$/).waitFor();
  await page.locator(".filters").getByLabel("Group").selectOption("");
  const tags = await api(page, url, `/devices/${members[0]}/tags`);
  assert.deepEqual([tags.group, tags.labels], ["berlin/north", { floor: "3", key: "neighbour" }]);

  await page.getByLabel("Search").fill("floor=3");
  await page.getByText(/^2 of \d+ devices$/).waitFor();
  await page.setViewportSize(phone);
  await judge(page, "bulk on a phone");
  await shot(page, "bulk-phone");
  await at(page, "groups");
  const form = page.locator('form[aria-label="Put into a group"]');
  await form.getByLabel("Group").fill("berlin");
  await form.getByLabel("Kind").selectOption("meters");
  await form.getByLabel("Names").fill("browser-gas");
  await form.locator("button.main").click();
  await page.locator(".tree li", { hasText: /^berlin devices: 0, meters: 1$/ }).waitFor();
  await page.locator('.tree a[aria-label="berlin/north"]').click();
  await page.locator(".members a", { hasText: members[0] }).waitFor();
  await page.locator(".members .chip", { hasText: "floor=3" }).first().waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}

// A profile for a group is pushed and confirmed; of two windows the second is told of the first.
export async function profiles({ context, url, shot }) {
  const { page, faults } = await open(context, url, "profiles", [[409, "/profiles/1"]]);
  const form = page.locator('form[aria-label="New profile"]');
  await form.getByLabel("Name", { exact: true }).fill(nasty);
  await form.getByLabel("Group").fill("berlin");
  await form.getByText("Camera settings (0)").click();
  await form.getByLabel("Gain, -1 automatic").fill("99");
  await form.getByText("A whole number from -1 to 30").waitFor();
  await form.getByLabel("Gain, -1 automatic").fill("");
  assert.equal(await form.locator("button.main").getAttribute("aria-disabled"), "true");
  await form.getByLabel("Brightness", { exact: true }).fill("1");
  await form.locator("button.main").click();
  await page.locator(".cards a", { hasText: nasty }).click();
  for (const name of members)
    await page.locator(`tr[data-device="${name}"][data-state="missing"]`).waitFor();

  const { page: other, faults: others } = await open(context, url, new URL(page.url()).hash
    .slice(2));
  for (const one of [page, other]) {
    await one.getByText("Change", { exact: true }).click();
    await one.locator('form[aria-label="Change"]').getByLabel("Name", { exact: true })
      .fill(one === other ? "first" : "second");
  }
  await other.locator('form[aria-label="Change"] button.main').click();
  await other.locator("h1", { hasText: "first" }).waitFor();
  await other.close();
  await page.locator('form[aria-label="Change"] button.main').click();
  await page.getByText("Somebody else has changed this meanwhile").waitFor();
  const typed = page.locator('form[aria-label="Change"]').getByLabel("Name", { exact: true });
  assert.equal(await typed.inputValue(), "second", "nothing typed is lost");
  await page.locator("h1", { hasText: "first" }).waitFor(); // what is there now has been fetched
  await page.locator('form[aria-label="Change"] button.main').click();
  await page.locator("h1", { hasText: "second" }).waitFor();

  await page.locator("button.push").click();
  for (const name of members)
    await page.locator(`tr[data-device="${name}"][data-state="confirmed"]`).waitFor();
  await judge(page, "a profile");
  await shot(page, "profile-confirmed");
  await in_chinese(page, shot, "profile");
  assert.deepEqual([...faults, ...others], []);
  await page.close();
}

// An image for a group, one device first; how far it has come, until it is done.
export async function campaigns({ context, url, shot }) {
  const { page, faults } = await open(context, url, "campaigns");
  const form = page.locator('form[aria-label="New campaign"]');
  await form.getByLabel("Name", { exact: true }).fill("spring");
  await form.getByLabel("Devices by name").fill("browser-spare");
  await form.getByLabel("Who tries it first").fill("browser-spare");
  await form.getByLabel("Shares, percent").fill("50, 20");
  await form.getByText("At most 10 percentages that rise").waitFor();
  assert.equal(await form.locator("button.main").getAttribute("aria-disabled"), "true");
  await form.getByLabel("Shares, percent").fill("100");
  await form.locator("button.main").click();
  await page.locator(".cards a", { hasText: "spring" }).click();
  await page.getByText("Pause", { exact: true }).click();
  await page.locator('[data-state="paused"]').waitFor();
  await page.getByLabel("Stop above so many failures").fill("0");
  await page.getByText("Resume", { exact: true }).click();
  await page.getByText("Stops above 0 % failures").waitFor();
  await page.locator('.badge[data-state="done"]').waitFor();
  await page.locator('tr[data-device="browser-spare"][data-state="confirmed"]').waitFor();
  await judge(page, "a campaign");
  await shot(page, "campaign-done");
  await in_chinese(page, shot, "campaign");
  assert.deepEqual(faults, []);
  await page.close();
}

// What a device said, as curves and word by word.
export async function records({ context, url, shot, device }) {
  const { page, faults } = await open(context, url, `devices/${device}`);
  await page.getByText("Health over time").click();
  await page.locator('[data-quantity="dtu.uptime_s"] .uplot').waitFor();
  await page.getByLabel("Time shown").selectOption("year");
  await page.locator('[data-quantity="dtu.uptime_s"] .uplot').waitFor();
  await page.getByText("Raw messages").click();
  await page.locator(".messages li").first().waitFor();
  await page.getByLabel("Direction").selectOption("down");
  await page.locator('.messages li[data-direction="down"]').first().waitFor();
  assert.equal(await page.locator('.messages li[data-direction="up"]').count(), 0);
  await page.locator("details", { hasText: "Raw messages" }).getByLabel("Search").fill(nasty);
  await page.getByText("No such message is kept.").waitFor();
  await page.locator("details", { hasText: "Raw messages" }).getByLabel("Search").fill("");
  await judge(page, "records");
  await shot(page, "records");
  await page.setViewportSize(phone);
  await in_chinese(page, shot, "records");
  assert.deepEqual(faults, []);
  await page.close();
}

// Messages are written down twice a second: waits until one to the device has this.
async function recorded(page, url, text) {
  for (const end = Date.now() + patience_ms; ;) {
    const { messages } = await api(page, url, "/devices/browser-smart/messages");
    if (messages.some(({ direction, payload }) => direction === "down" && payload.includes(text)))
      return;
    assert.ok(Date.now() < end, `${text} was not sent, every digit of it`);
  }
}

// Any JSON to a port of a SmartDTU, its timer and its pins; and what became of it.
export async function controls({ context, url, shot }) {
  const { page, faults } = await open(context, url, "devices/browser-smart");
  await page.getByText("Ports, pins and timers").click();
  const form = page.locator('form[aria-label="Send JSON to a port"]');
  assert.equal(await form.getByLabel("Port").inputValue(), "1", "UART1 at first");
  for (const [text, told] of [["{a:1}", "This is no JSON"], ["[]", "would take this for nothing"],
    [`"${"é".repeat(2_100)}"`, "at most 4096 bytes"]]) {
    await form.getByLabel("JSON").fill(text);
    await form.getByText(told).waitFor();
    assert.equal(await form.locator("button.main").getAttribute("aria-disabled"), "true", text);
  }
  await form.getByLabel("JSON").fill(`{"text": "${nasty}", "large": 9007199254740993}`);
  await form.locator("button.main").click();
  const line = page.locator('li[data-control][data-state="sent"]', { hasText: nasty });
  await line.waitFor();
  await recorded(page, url, "9007199254740993");

  const timer = page.locator('form[aria-label="Timers"]');
  await timer.getByLabel("Every, seconds").fill("0");
  await timer.getByText("A whole number from 1 to 86400").waitFor();
  await timer.getByLabel("Every, seconds").fill("20");
  await timer.locator("button.main").click();
  await page.locator('li[data-state="confirmed"]', { hasText: "timer1" }).waitFor();
  await page.locator('form[aria-label="Pins"]').getByLabel(/^GPIO3:/).selectOption("1");
  await page.locator('form[aria-label="Pins"] button.main').click();
  await page.locator('li[data-state="confirmed"]', { hasText: "gpio3" }).waitFor();
  const address = page.locator('form[aria-label="Program from an address"]');
  await address.getByLabel("Address").fill("https://example.org/a");
  await address.getByText("begins with http://").waitFor();
  await judge(page, "controls");
  await shot(page, "controls");
  await page.setViewportSize(phone);
  await judge(page, "controls on a phone");
  await shot(page, "controls-phone");
  await in_chinese(page, shot, "controls");
  assert.deepEqual(faults, []);
  await page.close();
}

async function credential(page) {
  await page.getByText("It has none.").waitFor();
  await page.getByText("New password", { exact: true }).click();
  const password = await page.locator("code.password").textContent();
  assert.ok(password.length >= 16, "a password is shown");
  await page.getByText(/^Given by /).waitFor();
  await page.getByText("Take the credential away").click();
  await page.getByText("Really delete").click();
  await page.getByText(/^Taken away by /).waitFor();
  await page.locator("code.password").waitFor({ state: "detached" });
}

// A device's remark, tags, credential; it is switched off and on, begun anew, and deleted.
export async function care({ context, url, shot }) {
  const { page, faults } = await open(context, url, "devices/browser-spare");
  await page.getByText("Group and labels").click();
  const tags = page.locator('form[aria-label="Group and labels"]');
  await tags.getByLabel("Labels").fill("a=1, a=2");
  await tags.getByText("name=value, at most 16").waitFor();
  await tags.getByLabel("Labels").fill("spare");
  await tags.locator("button.main").click();
  await tags.getByText("Saved").waitFor();
  await page.locator("summary", { hasText: "Care" }).click();
  const remark = page.locator('form[aria-label="Remark"]');
  await remark.getByLabel("Remark").fill("x".repeat(201));
  await remark.getByText("Too long: at most 200 bytes").waitFor();
  await remark.getByLabel("Remark").fill(nasty);
  await remark.locator("button.main").click();
  await page.locator("h1 small", { hasText: nasty }).waitFor();
  await credential(page);
  await page.getByText("Disable", { exact: true }).click();
  await page.locator(".title .state", { hasText: "Disabled" }).waitFor();
  await shot(page, "care");
  await page.getByText("Enable", { exact: true }).click();
  await page.locator(".title .state:not(:has-text('Disabled'))").waitFor();
  await page.getByText("Begin anew", { exact: true }).last().click();
  await page.getByText("Really begin anew").click();
  await page.getByText("Begun anew").waitFor();
  await judge(page, "care");
  await page.setViewportSize(phone);
  await in_chinese(page, shot, "care");
  await in_language(page, "en");
  await ask("stop the spare device");
  await page.getByLabel("Its photos, readings and records").selectOption("purge");
  await page.locator("button.danger", { hasText: "Delete the device" }).click();
  await page.getByText("Really delete").click();
  await page.locator(".rows tbody th", { hasText: "browser-gas" }).waitFor();
  assert.equal(await page.locator(".rows tbody th", { hasText: "browser-spare" }).count(), 0);
  const { devices } = await api(page, url, "/devices");
  assert.ok(devices.every(({ id }) => id !== "browser-spare"), "it is gone");
  assert.deepEqual(faults, []);
  await page.close();
}
