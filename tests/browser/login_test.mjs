// Logs in to a running server as a person would; the password of "admin" is on standard input.
//   node login_test.mjs URL FOLDER     screenshots go to FOLDER; exit code 0: all held, 1: not
// The server has the device m1, online.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { desktop, judge, launch, phone, shots_in, watch, with_context } from "./browser.mjs";

const [url, folder] = process.argv.slice(2);
const password = readFileSync(0, "utf8").trim();
const shot = shots_in(folder);
const cookie_name = "meterlens_session";

async function log_in(page, word, name = "admin") {
  const dialog = page.locator("dialog.login");
  await dialog.waitFor();
  await page.locator("dialog.login input[autocomplete=username]").fill(name);
  await page.locator("dialog.login input[type=password]").fill(word);
  await page.keyboard.press("Enter");
  return dialog;
}

// Nobody comes in with a wrong password, nor past the window.
async function turned_away(page) {
  const dialog = await log_in(page, "not the password");
  const error = page.locator("dialog.login .error:not(:empty)");
  await error.waitFor();
  assert.match(await error.textContent(), /wrong/);
  // Chromium asks nobody at the second: it is closed for a moment.
  for (let times = 0; times < 3; ++times) await page.keyboard.press("Escape");
  await dialog.waitFor();
  assert.ok(await dialog.isVisible(), "Escape leads nowhere");
  for (const [name, size] of [["phone", phone], ["desktop", desktop]]) {
    await page.setViewportSize(size);
    await judge(page, `the log-in, ${name}`);
    await shot(page, name);
  }
}

async function come_in(page) {
  const dialog = await log_in(page, password);
  await dialog.waitFor({ state: "detached" });
  await page.locator(".link.live").waitFor();
  assert.equal(await page.locator(".bar .who").textContent(), "admin");
  await page.setViewportSize(phone);
  await judge(page, "the frame on a phone, logged in");
  await shot(page, "logged-in");
  await page.setViewportSize(desktop);
}

// The session ends in the middle: what was asked goes on after the next log-in.
async function go_on(page, context) {
  await page.evaluate(() => (location.hash = "#/devices/m1"));
  await page.locator(".title .state.online").waitFor();
  await context.clearCookies();
  // What the page asks by itself may open the log-in first.
  await page.locator("button.take").dispatchEvent("click");
  const dialog = await log_in(page, password);
  await dialog.waitFor({ state: "detached" });
  await page.locator('.order .progress[data-state="read"]').waitFor();
  await page.locator("section.reading").waitFor();
  const cookie = (await context.cookies()).find(({ name }) => name === cookie_name);
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict");
  assert.ok(!(await page.evaluate(() => document.cookie)).includes(cookie_name));
}

// A reading of m1 waits for review: a person's word of before contradicts it.
async function make_doubtful(page) {
  const api = `${new URL(url).origin}/api/v1`;
  const { readings } = await (await page.request.get(`${api}/readings?meter=m1`)).json();
  const { at_ms, digits } = readings.at(-1);
  const later = String((Number(digits) + 5_000) % 10 ** digits.length).padStart(digits.length, "0");
  const answer = await page.request.post(`${api}/meters/m1/readings`,
    { data: { at_ms: at_ms - 60_000, digits: later }, headers: { "X-Meterlens": "1" } });
  assert.equal(answer.status(), 201, await answer.text());
}

// The session ends in the middle of a review: what was typed goes on after the next log-in.
async function go_on_reviewing(page, context) {
  await make_doubtful(page);
  await page.evaluate(() => (location.hash = "#/review"));
  const card = page.locator("article.review");
  await card.waitFor();
  const reading = await card.getAttribute("data-reading");
  const digits = page.locator("input.digits");
  await digits.evaluate((input) => input.setSelectionRange(0, 1));
  await page.keyboard.press((await digits.inputValue())[0] === "3" ? "4" : "3");
  const typed = await digits.inputValue();
  await context.clearCookies();
  await page.keyboard.press("Enter");
  const dialog = await log_in(page, password);
  await dialog.waitFor({ state: "detached" });
  await page.getByText(/\b1 done/).waitFor();
  const stored = await page.request.get(`${new URL(url).origin}/api/v1/readings/${reading}`);
  const { verdict, digits: kept } = await stored.json();
  assert.deepEqual([verdict, kept], ["manual", typed], "nothing typed is lost");
}

// Another person logs in where a session has ended: the page is a new one, and what was asked for
// on the former is not done.
async function another_comes_in(page, context) {
  const api = `${new URL(url).origin}/api/v1`;
  const bob = { name: "bob", role: "operator", password: "a word for bob" };
  const made = await page.request.post(`${api}/users`,
    { data: bob, headers: { "X-Meterlens": "1" } });
  assert.equal(made.status(), 201, await made.text());
  const count = async () => {
    const answer = await page.request.get(`${api}/commands?device=m1`);
    return (await answer.json()).commands.length;
  };
  const before = await count();
  await page.evaluate(() => {
    window.is_former = true;
    location.hash = "#/devices/m1";
  });
  await page.locator("button.take").waitFor();
  await context.clearCookies();
  await page.locator("button.take").dispatchEvent("click");
  await log_in(page, bob.password, bob.name);
  await page.locator(".bar .who", { hasText: "bob" }).waitFor();
  await page.locator(".link.live").waitFor();
  assert.ok(!(await page.evaluate(() => window.is_former)), "a new page");
  assert.equal(await count(), before, "no photo is taken in another's name");
}

// Out by the button; the old cookie opens nothing any more.
async function go_out(page, context) {
  const old = (await context.cookies()).find(({ name }) => name === cookie_name);
  await page.locator("button.log-out").click();
  await page.locator("dialog.login").waitFor();
  const headers = { Cookie: `${cookie_name}=${old.value}` };
  const answer = await fetch(`${new URL(url).origin}/api/v1/devices`, { headers });
  assert.equal(answer.status, 401);
}

async function in_chinese(page) {
  await page.evaluate(() => localStorage.setItem("meterlens.language", "zh"));
  await page.reload({ waitUntil: "load" });
  await page.locator("dialog.login").waitFor();
  assert.equal(await page.locator("dialog.login h2").textContent(), "登录 Meterlens");
  await shot(page, "zh");
}

async function story(context) {
  const page = await context.newPage();
  const faults = watch(page, url, [[401, ""]]);
  try {
    await page.goto(url, { waitUntil: "load" });
    await turned_away(page);
    await come_in(page);
    await go_on(page, context);
    await go_on_reviewing(page, context);
    await another_comes_in(page, context);
    await go_out(page, context);
    await in_chinese(page);
    assert.deepEqual(faults, []);
  } catch (error) {
    await shot(page, "failed").catch(() => undefined);
    throw error;
  }
}

const browser = await launch();
let failed = false;
try {
  await with_context(browser, story);
  console.log("log-in: every check held");
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
