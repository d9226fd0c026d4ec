// Logs in to a running server as a person would; the password of "admin" is on standard input.
//   node login_test.mjs URL FOLDER     screenshots go to FOLDER; exit code 0: all held, 1: not
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [url, folder] = process.argv.slice(2);
const password = readFileSync(0, "utf8").trim();
const patience_ms = 60_000;

async function log_in(page, word) {
  const dialog = page.locator("dialog.login");
  await dialog.waitFor({ timeout: patience_ms });
  await page.locator("dialog.login input[autocomplete=username]").fill("admin");
  await page.locator("dialog.login input[type=password]").fill(word);
  await page.keyboard.press("Enter");
  return dialog;
}

async function story(page, context) {
  const faults = [];
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("console", (message) => {
    // Chromium writes every 401 down; anything else is a fault.
    if (message.type() === "error" && !message.text().includes("401")) faults.push(message.text());
  });
  await page.goto(url, { waitUntil: "load" });
  const dialog = await log_in(page, "not the password");
  await page.locator("dialog.login .error:not(:empty)").waitFor({ timeout: patience_ms });
  assert.match(await page.locator("dialog.login .error").textContent(), /wrong/);
  await page.keyboard.press("Escape");
  assert.ok(await dialog.isVisible(), "Escape leads nowhere");
  for (const [name, size] of [["desktop", { width: 1280, height: 900 }],
                              ["phone", { width: 390, height: 844 }]]) {
    await page.setViewportSize(size);
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
  await log_in(page, password);
  await dialog.waitFor({ state: "detached", timeout: patience_ms });
  const card = page.locator("article.device", { has: page.locator(".state.online") }).first();
  await card.waitFor({ timeout: patience_ms });

  // The session ends in the middle: what was asked goes on after the next log-in.
  await context.clearCookies();
  await card.locator("button.take").click();
  await log_in(page, password);
  await card.locator('.progress[data-state="read"]').waitFor({ timeout: patience_ms });
  const cookie = (await context.cookies()).find(({ name }) => name === "meterlens_session");
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict");
  assert.ok(!(await page.evaluate(() => document.cookie)).includes("meterlens_session"));

  await page.evaluate(() => localStorage.setItem("meterlens.language", "zh"));
  await context.clearCookies();
  await page.reload({ waitUntil: "load" });
  await page.locator("dialog.login").waitFor({ timeout: patience_ms });
  assert.equal(await page.locator("dialog.login h2").textContent(), "登录 Meterlens");
  await page.screenshot({ path: join(folder, "zh.png") });
  assert.deepEqual(faults, []);
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
let failed = false;
const context = await browser.newContext({ locale: "en-US" });
const page = await context.newPage();
try {
  await story(page, context);
  console.log("log-in: every check held");
} catch (error) {
  failed = true;
  console.error(error);
  await page.screenshot({ path: join(folder, "failed.png") }).catch(() => undefined);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
