// Administration as a whole: how it looks, by whom it is read, and a server that goes away.
import assert from "node:assert/strict";
import { english_on, names_of, open_all } from "../chinese.mjs";
import { ask, at, desktop, in_language, judge, log_in, open_as, phone, watch }
  from "../browser.mjs";

// What each part shows when it is there.
const parts = {
  users: "[data-user]",
  sessions: "[data-session]",
  tokens: 'form[aria-label] input[type="checkbox"]',
  doors: "form",
  second: ".wide-table, .rows-of-facts",
  integrations: "[data-sink]",
  billing: 'input[type="file"]',
  upkeep: "progress",
  audit: "[data-entry]",
};

async function check_language(page, language, what) {
  const text = await page.evaluate(() => {
    const copy = document.querySelector("main").cloneNode(true);
    // What people and the server said stays as it was said.
    for (const said of copy.querySelectorAll("code, pre, [data-entry], [data-user], [data-token]"))
      said.remove();
    return copy.innerText;
  });
  const chinese = /[\u4e00-\u9fff]/.test(text);
  assert.equal(chinese, language === "zh", `${what}: ${text.slice(0, 300)}`);
  const raw = text.match(/\b(nav|error|role|right|sink|policy|stop|store|deed|subject)_[a-z_]+\b/);
  assert.equal(raw, null, `${what} shows ${raw}`);
}

async function look_through(context, url, password, shot, size_name, size, colours) {
  const { page, faults } = await open_as(context, url, "administration", "admin", password);
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: colours });
  for (const [part, sign] of Object.entries({ ...parts, account: "[data-session]" })) {
    await at(page, part === "account" ? part : `administration/${part}`);
    for (const language of ["en", "zh"]) {
      const what = `${part}-${size_name}-${language}`;
      await in_language(page, language);
      await page.locator(sign).first().waitFor();
      await check_language(page, language, what);
      await shot(page, what);
      if (language === "en") await judge(page, what);
    }
  }
  assert.deepEqual(faults, []);
}

export async function each_part({ context, url, shot, password }) {
  await look_through(context, url, password, shot, "desktop", desktop, "light");
  await look_through(context, url, password, shot, "phone", phone, "dark");
}

// Nothing stays English on a Chinese page, with all that can be opened there.
export async function chinese({ context, url, password }) {
  const { page, faults } = await open_as(context, url, "administration", "admin", password);
  await in_language(page, "zh");
  const names = await names_of(page, url);
  const left = [];
  for (const [part, sign] of Object.entries({ ...parts, account: "[data-session]" })) {
    await at(page, part === "account" ? part : `administration/${part}`);
    await page.locator(sign).first().waitFor();
    await open_all(page);
    left.push(...(await english_on(page, part, names)));
  }
  assert.deepEqual(left, []);
  assert.deepEqual(faults, []);
}

// Until somebody has logged in nothing asks for the stream, however long it takes.
export async function quiet_log_in({ context, url, password }) {
  const page = await context.newPage();
  const faults = watch(page, url, [[401, ""]]);
  const streams = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/api/v1/events")) streams.push(request);
  });
  await page.clock.install();
  await page.goto(url, { waitUntil: "load" });
  await page.locator("dialog.login").waitFor();
  await page.clock.fastForward(60_000);
  await (await log_in(page, "admin", "not the password")).locator(".error:not(:empty)").waitFor();
  await page.clock.fastForward(60_000);
  assert.equal(streams.length, 0, "nobody has logged in yet");
  await (await log_in(page, "admin", password)).waitFor({ state: "detached" });
  await page.locator(".link.live").waitFor();
  assert.ok(streams.length > 0);
  assert.deepEqual(faults, []);
}

// The server is away in the middle of a form, and comes back: nothing typed is lost.
export async function gone_and_back({ context, url, shot, password }) {
  const { page } = await open_as(context, url, "administration/users", "admin", password);
  const form = page.locator('form[aria-label="New user"]');
  await form.getByLabel("Name", { exact: true }).fill("zoe");
  await form.getByLabel("Only these groups").fill("楼 😀");
  await ask("stop the server");
  await page.locator(".link:not(.live)").waitFor();
  await form.locator("button.main").click();
  await form.locator("[role=alert]", { hasText: "does not answer" }).waitFor();
  await page.locator('[data-user="admin"]').waitFor();
  await shot(page, "server-gone");
  await ask("start the server");
  await page.locator(".link.live").waitFor();
  assert.equal(await form.getByLabel("Name", { exact: true }).inputValue(), "zoe");
  await form.locator("button.main").click();
  await page.locator('[data-user="zoe"]', { hasText: "only 楼 😀" }).waitFor();
}
