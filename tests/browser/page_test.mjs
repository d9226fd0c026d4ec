// Opens the console of a running server in headless Chromium and uses it as a person would.
//   node page_test.mjs URL FOLDER     screenshots go to FOLDER; exit code 0: all held, 1: not
// Needs at least one online device behind the server. CHROMIUM names another browser program.
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [url, folder] = process.argv.slice(2);
if (!url || !folder) {
  console.error("usage: node page_test.mjs URL FOLDER");
  process.exit(2);
}
const patience_ms = 60_000;
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

// What the browser complained about, and whom else it asked.
function watch(page) {
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== new URL(url).origin && asked.protocol !== "data:")
      faults.push(`foreign request: ${asked.origin}`);
  });
  page.on("response", (response) => {
    const at = new URL(response.url()).pathname;
    // A photo in quarantine need not be served; the page says so in words.
    if (response.status() >= 400 && !at.endsWith(".jpg"))
      faults.push(`${response.status()} ${at}`);
  });
  return faults;
}

// Remembers every state and progress text of a card, however short it shows.
async function record(card) {
  await card.evaluate((element) => {
    const target = element.querySelector(".progress");
    window.seen = [];
    new MutationObserver(() => {
      window.seen.push({ state: target.dataset.state, text: target.textContent });
    }).observe(target, { childList: true, characterData: true, subtree: true, attributes: true });
  });
}

async function take_photo(page) {
  const card = page.locator("article.device", { has: page.locator(".state.online") }).first();
  await card.waitFor({ timeout: patience_ms });
  const before = await card.locator(".reading").getAttribute("data-reading");
  await record(card);
  const button = card.locator("button.take");
  await button.focus();
  await page.keyboard.press("Enter");
  const device = await card.getAttribute("data-device");
  await card.locator("progress").waitFor({ timeout: patience_ms });
  await page.screenshot({ path: join(folder, "progress.png"), fullPage: true });
  const same = page.locator(`article[data-device="${device}"]`);
  const done = same.locator('.progress[data-state="read"]');
  await done.waitFor({ timeout: patience_ms });
  const shown = same.locator(`.reading:not([data-reading="${before}"])`);
  await shown.waitFor({ timeout: patience_ms });
  const focused = await button.evaluate((element) => element === document.activeElement);
  assert.ok(focused, "the button keeps the focus while the photo comes");
  return same;
}

async function check_progress(page) {
  const seen = await page.evaluate(() => window.seen);
  const packets = seen.filter(({ state }) => state === "transferring");
  const counted = packets.map(({ text }) => text.match(/(\d+) of (\d+)/)).filter(Boolean);
  assert.ok(counted.length > 0, `no "packet n of m" in ${JSON.stringify(seen)}`);
  const numbers = counted.map((match) => Number(match[1]));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), "packets only ever grow");
  assert.ok(Number(counted[0][2]) > 0);
}

async function check_reading(card) {
  const digits = await card.locator(".register .wheel").allTextContents();
  assert.ok(digits.length >= 4 && digits.every((digit) => /^\d$/.test(digit)), `digits: ${digits}`);
  assert.match(await card.locator(".status").textContent(), /^(Read|Doubtful)$/);
  assert.match(await card.locator(".reading .facts").textContent(), /Confidence \d+\.\d %/);
  const image = card.locator(".picture img");
  await image.evaluate((element) => element.decode());
  assert.ok((await image.evaluate((element) => element.naturalWidth)) > 0, "the photo shows");
  const [outline, frame] = [card.locator(".window polygon"), card.locator(".picture")];
  const box = await outline.boundingBox(), around = await frame.boundingBox();
  assert.ok(box && box.width > 5, "the window is drawn");
  const inside = box.x >= around.x - 3 && box.x + box.width <= around.x + around.width + 3 &&
    box.y >= around.y - 3 && box.y + box.height <= around.y + around.height + 3;
  assert.ok(inside, "the window lies inside the photo");
}

async function check_shape(page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
  const unnamed = await page.evaluate(() => {
    const named = (element) =>
      element.textContent.trim() || element.ariaLabel || element.getAttribute("alt");
    const shown = (element) => element.offsetParent !== null;
    const asked = [...document.querySelectorAll("button, img, progress")].filter(shown);
    return asked.filter((element) => !named(element)).length;
  });
  assert.equal(unnamed, 0, "every button, picture and bar has a name");
}

async function screenshots(page, language) {
  for (const [name, size] of [["desktop", desktop], ["phone", phone]])
    for (const colours of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: colours });
      await check_shape(page);
      const path = join(folder, `${name}-${language}-${colours}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  await page.setViewportSize(desktop);
}

async function story(page) {
  const faults = watch(page);
  await page.goto(url, { waitUntil: "load" });
  await page.locator("article.device").first().waitFor({ timeout: patience_ms });
  await page.locator(".link.live").waitFor({ timeout: patience_ms });
  console.log(`devices: ${await page.locator("article.device").count()}`);
  const card = await take_photo(page);
  await check_progress(page);
  await check_reading(card);
  await screenshots(page, "en");
  await page.locator("button.language").click();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  assert.equal(await card.locator("button.take").textContent(), "拍照");
  await screenshots(page, "zh");
  await page.reload({ waitUntil: "load" });
  await page.locator("article.device").first().waitFor({ timeout: patience_ms });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN", "kept");
  assert.deepEqual(faults, []);
}

mkdirSync(folder, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "meterlens-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: flags,
  viewport: desktop,
  locale: "en-US",
});
let failed = false;
try {
  await story(context.pages()[0] ?? (await context.newPage()));
  console.log("page: every check held");
} catch (error) {
  failed = true;
  console.error(error);
  await context.pages()[0]?.screenshot({ path: join(folder, "failed.png") }).catch(() => undefined);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
