// Every form of the console, field by field, with what does not belong there: each is told so or
// answered, nothing typed is lost or run, and the server stays well. A form that is not named here
// fails the story. The review queue's and the board's have stories of their own.
import assert from "node:assert/strict";
import { at, open, open_as } from "../browser.mjs";

// Bytes of UTF-8 and of a settings file alike are fewer than this in every field.
const nasty = {
  script: `<img src=x onerror="hacked=1"><script>hacked=1</script>`,
  emoji: "😀 二号楼 é",
  long: "x".repeat(30_000),
  blank: "   ",
};
const told = [[400, ""], [404, ""], [409, ""], [412, ""], [413, ""], [422, ""]];

const settings_fields_max = 2; // of those forms whose fields are all alike

// By page: the names of its forms; "" is one without a name.
const forms = {
  "devices/browser-power": ["Camera settings", "DTU settings and timers", "Remote update",
    "Group and labels", "Remark"],
  "devices/browser-smart": ["Send JSON to a port", "Timers", "Pins", "Parameters of a port",
    "Program from an address", "Group and labels", "Remark"],
  meters: ["New meter"],
  "meters/browser-water": ["Enter a reading by hand", "Exchange of the meter",
    "Estimate what is missing", "What the meter is", "Add a device from now on",
    "Group and labels"],
  groups: ["Put into a group"],
  "groups/berlin": ["Put into a group"],
  profiles: ["New profile"],
  campaigns: ["New campaign"],
  schedules: ["New schedule"],
  install: [""],
  images: ["New image"],
};
const administration_forms = {
  "administration/users": ["New user"],
  "administration/tokens": ["New token"],
  "administration/doors": ["New credential", "New product"],
  "administration/second": ["For one meter"],
  "administration/billing": ["Readings for billing", "Import from CSV"],
  "administration/audit": ["Audit"],
  account: ["Change your password", "New token"],
};

async function show_all(page, hash, names) {
  await at(page, hash);
  const own = `main.page-${hash.split("/")[0]}`;
  await page.locator(`${own} form, ${own} details`).first().waitFor({ state: "attached" });
  await page.locator("main details").evaluateAll((all) => all.forEach((one) => (one.open = true)));
  await page.locator("main form").nth(names.length - 1).waitFor({ state: "attached" });
  const there = await page.locator("main form").evaluateAll((all) =>
    all.map((form) => form.getAttribute("aria-label") ?? ""));
  assert.deepEqual([...there].sort(), [...names].sort(), `the forms of ${hash}`);
}

// What the form says after it was sent, once it is not busy any more; null when it has gone.
async function outcome_of(form) {
  await form.locator("button.main", { hasText: "Under way" }).waitFor({ state: "detached" });
  if ((await form.count()) === 0) return null;
  return (await form.locator("[role=alert], .error").allTextContents()).join("").trim();
}

// One field with one text: refused by the form, or sent and answered.
async function try_text(form, input, kind, what) {
  const before = await input.inputValue();
  await input.fill(nasty[kind]);
  const wrong = await form.locator(".wrong").allTextContents();
  const button = form.locator("button.main, button:not([type])").first();
  const is_refused = (await button.getAttribute("aria-disabled")) === "true" ||
    (await button.isDisabled());
  if (kind === "long") assert.ok(wrong.length > 0, `${what}: what is wrong is said`);
  if (!is_refused) {
    const sent = form.page().sent;
    await button.click();
    const error = await outcome_of(form);
    if (wrong.length > 0)
      assert.equal(form.page().sent, sent, `${what}: sent although "${wrong}"`);
    if (error === null) return false;
    if (error !== "")
      assert.equal(await input.inputValue(), nasty[kind], `${what}: it stays typed`);
  }
  await input.fill(before);
  return true;
}

async function try_form(page, hash, name, names) {
  const form = page.locator(name === "" ? "main form" : `main form[aria-label="${name}"]`);
  const fields = form.locator('input[type="text"], input[type="password"], textarea');
  const is_settings = /settings|profile/.test(name);
  const count = Math.min(await fields.count(), is_settings ? settings_fields_max : 99);
  for (let index = 0; index < count; ++index)
    for (const kind of Object.keys(nasty)) {
      const what = `${hash}, ${name}, field ${index}, ${kind}`;
      if (!(await try_text(form, fields.nth(index), kind, what)))
        await show_all(page, hash, names);
    }
  return count;
}

async function try_all(page, table) {
  page.on("dialog", (dialog) => assert.fail(`the page says ${dialog.message()}`));
  page.sent = 0;
  page.on("request", (request) => (page.sent += request.method() === "GET" ? 0 : 1));
  let count = 0;
  for (const [hash, names] of Object.entries(table)) {
    await show_all(page, hash, names);
    for (const name of names) count += await try_form(page, hash, name, names);
    assert.equal(await page.evaluate(() => "hacked" in window), false, `${hash} ran a script`);
  }
  console.log(`forms: ${count} fields with ${Object.keys(nasty).length} texts each`);
}

export async function every_form({ context, url }) {
  const { page, faults } = await open(context, url, "", told);
  await try_all(page, forms);
  assert.deepEqual(faults, []);
}

export async function every_form_of_administration({ context, url, password }) {
  const { page, faults } = await open_as(context, url, "administration", "admin", password,
    [...told, [403, "/session/password"]]);
  await try_all(page, administration_forms);
  assert.deepEqual(faults, []);
}
