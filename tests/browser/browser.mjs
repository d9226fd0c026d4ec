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
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
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
