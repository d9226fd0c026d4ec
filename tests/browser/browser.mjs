// What every story needs: a page that is watched, the accessibility judge, screenshots, and the
// driver that runs the server (browser_test.py), asked for by lines on standard output.
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const patience_ms = 60_000;
export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
  return chromium.launch({ executablePath, headless: true, args: flags });
}

// Runs `work` with a browser profile of its own; it goes with it.
export async function with_context(browser, work) {
  const context = await browser.newContext({
    viewport: desktop,
    locale: "en-US",
    timezoneId: "Europe/Berlin",
  });
  context.setDefaultTimeout(patience_ms);
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

// Runs the stories, or those that STORIES names, each with `given` and a context of its own; a
// picture of each page is left of one that fails. Returns how many did.
export async function run_stories(stories, folder, given) {
  const wanted = process.env.STORIES?.split(",") ?? Object.keys(stories);
  const browser = await launch();
  let failed = 0;
  for (const name of wanted) {
    const began = Date.now();
    try {
      await with_context(browser, async (context) => {
        try {
          await stories[name]({ ...given, browser, context });
        } catch (error) {
          for (const page of context.pages())
            await page
              .screenshot({ path: join(folder, `failed-${name}.png`), timeout: 3_000 })
              .catch(() => undefined);
          throw error;
        }
      });
    } catch (error) {
      ++failed;
      console.error(`${name}: ${error.stack}`);
    }
    console.log(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  await browser.close();
  return failed;
}

// What the browser complains about, and whom else it asks. `expected` are answers that a story
// brings about on purpose: [status, end of the path].
export function watch(page, url, expected = []) {
  const faults = [];
  const is_expected = (status, path) =>
    expected.some(([wanted, end]) => wanted === status && path.endsWith(end));
  page.on("console", (message) => {
    // The browser's own line about an answer; "response" below judges it.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== new URL(url).origin && !["data:", "blob:"].includes(asked.protocol))
      faults.push(`foreign request: ${asked.origin}`);
  });
  page.on("response", (response) => {
    const at = new URL(response.url()).pathname;
    if (response.status() >= 400 && !is_expected(response.status(), at))
      faults.push(`${response.status()} ${at}`);
  });
  return faults;
}

export async function open(context, url, hash = "", expected = []) {
  const page = await context.newPage();
  const faults = watch(page, url, expected);
  await page.goto(`${url}#/${hash}`, { waitUntil: "load" });
  await page.locator(".link.live").waitFor();
  return { page, faults };
}

export async function at(page, hash) {
  await page.evaluate((to) => (location.hash = `#/${to}`), hash);
}

// No finding that axe calls serious or critical; nothing wider than the screen.
export async function judge(page, what) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${what}: ${wide} px wider than the screen`);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const findings = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`),
    }));
  });
  const grave = findings.filter(({ impact }) => ["serious", "critical"].includes(impact));
  assert.deepEqual(grave, [], `${what}: ${JSON.stringify(grave, null, 1)}`);
}

export function shots_in(folder) {
  mkdirSync(folder, { recursive: true });
  return (page, name) => page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

export async function in_language(page, language) {
  const now = await page.evaluate(() => document.documentElement.lang);
  if (now.startsWith(language)) return;
  await page.locator("button.language").click();
  await page.locator(`html[lang^="${language}"]`).waitFor({ state: "attached" });
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Has the driver do something, and waits until it has.
export async function ask(what) {
  console.log(`ask: ${what}`);
  const { value } = await lines.next();
  assert.equal(value, "done", `the driver did not ${what}`);
}

// Fills the log-in that stands over the page.
export async function log_in(page, name, password) {
  const dialog = page.locator("dialog.login");
  await dialog.waitFor();
  await page.locator("dialog.login input[autocomplete=username]").fill(name);
  await page.locator("dialog.login input[type=password]").fill(password);
  await page.keyboard.press("Enter");
  return dialog;
}

// A page of somebody who has just logged in. 401 is what the server says before that.
export async function open_as(context, url, hash, name, password, expected = []) {
  const page = await context.newPage();
  const faults = watch(page, url, [[401, ""], ...expected]);
  await page.goto(`${url}#/${hash}`, { waitUntil: "load" });
  if ((await context.cookies()).length === 0)
    await (await log_in(page, name, password)).waitFor({ state: "detached" });
  await page.locator(".link.live").waitFor();
  return { page, faults };
}

// What a program gets: an answer with these headers.
export function call(url, method, path, headers = {}, body = undefined) {
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  return fetch(`${new URL(url).origin}/api/v1${path}`, { method, headers, ...given });
}

// The headers of a browser in which somebody has logged in.
export async function session_of(url, name, password) {
  const answer = await call(url, "POST", "/session", {}, { name, password });
  assert.equal(answer.status, 200, `${name} cannot log in`);
  return { Cookie: answer.headers.get("set-cookie").split(";")[0], "X-Meterlens": "1" };
}
