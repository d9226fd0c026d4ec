// One click takes a photo; it comes packet by packet, and its reading is drawn on it.
import assert from "node:assert/strict";
import { open } from "../browser.mjs";

// Remembers every state and progress text, however short it shows.
async function record(page) {
  await page.locator(".order .progress").evaluate((target) => {
    window.seen = [];
    new MutationObserver(() => {
      window.seen.push({ state: target.dataset.state, text: target.textContent });
    }).observe(target, { childList: true, characterData: true, subtree: true, attributes: true });
  });
}

async function check_progress(page) {
  const seen = await page.evaluate(() => window.seen);
  const packets = seen.filter(({ state }) => state === "transferring");
  const counted = packets.map(({ text }) => text.match(/(\d+) of (\d+)/)).filter(Boolean);
  assert.ok(counted.length > 0, `no "packet n of m" in ${JSON.stringify(seen)}`);
  const numbers = counted.map((match) => Number(match[1]));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), "packets only ever grow");
}

async function check_drawing(page) {
  const digits = await page.locator(".register .wheel").allTextContents();
  assert.ok(digits.length >= 4 && digits.every((digit) => /^\d$/.test(digit)), `digits: ${digits}`);
  assert.match(await page.locator(".reading .facts").first().textContent(), /Confidence \d+\.\d %/);
  const image = page.locator(".picture img");
  await image.evaluate((element) => element.decode());
  assert.ok((await image.evaluate((element) => element.naturalWidth)) > 0, "the photo shows");
  assert.equal(await page.locator(".wheel-shape").count(), digits.length, "a shape a wheel");
  const box = await page.locator(".window .outline").boundingBox();
  const around = await page.locator(".picture").boundingBox();
  assert.ok(box && box.width > 5, "the window is drawn");
  const inside = box.x >= around.x - 3 && box.x + box.width <= around.x + around.width + 3 &&
    box.y >= around.y - 3 && box.y + box.height <= around.y + around.height + 3;
  assert.ok(inside, "the window lies inside the photo");
}

export async function capture({ context, url, shot, device }) {
  const { page, faults } = await open(context, url, `devices/${device}`);
  const reading = page.locator("section.reading");
  await reading.waitFor();
  const before = await reading.getAttribute("data-reading");
  await record(page);
  const button = page.locator("button.take");
  await button.focus();
  await page.keyboard.press("Enter");
  await page.locator(".order progress[value]").waitFor();
  await shot(page, "progress");
  await page.locator('.order .progress[data-state="read"]').waitFor();
  await page.locator(`section.reading:not([data-reading="${before}"])`).waitFor();
  assert.ok(await button.evaluate((element) => element === document.activeElement),
    "the button keeps the focus while the photo comes");
  await check_progress(page);
  await check_drawing(page);
  assert.deepEqual(faults, []);
  await page.close();
}

// Settings are sent, and the page tells when the device has confirmed them; aiming shows frames.
export async function device_forms({ context, url, shot, device }) {
  const { page, faults } = await open(context, url, `devices/${device}`);
  await page.getByText("Camera settings").click();
  const form = page.locator('form[aria-label="Camera settings"]');
  await form.locator('[data-state="never_wished"]').waitFor();
  const gain = form.getByLabel("Gain, -1 automatic");
  await gain.fill("99");
  await form.getByText("A whole number from -1 to 30").waitFor();
  const send = form.locator("button.main");
  assert.equal(await send.getAttribute("aria-disabled"), "true", "99 is not sent");
  await gain.fill("");
  await form.getByLabel("Brightness", { exact: true }).fill("-2");
  await form.getByLabel("Upside down").selectOption("0");
  assert.equal(await send.textContent(), "Send 2 changes");
  await send.click();
  await form.locator('[data-state="confirmed"]').waitFor();
  await shot(page, "settings");
  await page.getByText("Camera settings").click();

  await page.getByText("Aiming").click();
  await page.getByText("Start live frames").click();
  const frame = page.locator(".aiming .frame");
  await frame.waitFor();
  const first = await frame.getAttribute("data-frame");
  await page.locator(`.aiming .frame:not([data-frame="${first}"])`).waitFor();
  await page.locator(".hints .hint").first().waitFor();
  await shot(page, "aiming");
  await page.getByText("Stop live frames").click();
  await page.getByText("Start live frames").waitFor();
  assert.deepEqual(faults, []);
  await page.close();
}
