// Administration of people, programs and devices that come in, and what is written down of it.
import assert from "node:assert/strict";
import { at, call, judge, log_in, open_as, phone, session_of } from "../browser.mjs";

const nasty = `<script>alert("x")</script> 二号楼 😀`;
const form_of = (page, name) => page.locator(`form[aria-label="${name}"]`);
const is_refused = async (form) =>
  (await form.locator("button.main").getAttribute("aria-disabled")) === "true";

async function secret_of(page) {
  const text = await page.locator(".secret code").textContent();
  assert.ok(text.length >= 16, `a secret of chance: ${text.length} characters`);
  return text;
}

async function bad_input(form) {
  const name = form.getByLabel("Name", { exact: true });
  assert.ok(await is_refused(form), "empty is not sent");
  await name.fill(`<script>alert(1)</script>`);
  await form.locator(".wrong", { hasText: "1 to 64 letters" }).waitFor();
  await name.fill("😀");
  assert.ok(await is_refused(form));
  await name.fill("x".repeat(65));
  await form.getByText("Too long: at most 64 bytes").waitFor();
  await name.fill("ana");
  const groups = form.getByLabel("Only these groups");
  await groups.fill("😀".repeat(65)); // 260 bytes
  await form.getByText("Too long: at most 256 bytes").waitFor();
  await groups.fill(Array.from({ length: 101 }, (_, index) => `g${index}`).join());
  await form.getByText("At most 100 groups").waitFor();
  await groups.fill(nasty);
  await form.getByLabel("Password").fill("short");
  await form.getByText("Too short").waitFor();
  assert.ok(await is_refused(form));
  await form.getByLabel("Password").fill("");
  assert.ok(!(await is_refused(form)));
}

// The session ends while a user is typed: after the log-in the user is made as it was typed.
async function made_after_log_in({ page, context, password }) {
  const form = form_of(page, "New user");
  await form.getByLabel("Name", { exact: true }).fill("ben");
  await form.getByLabel("Role").selectOption("operator");
  await form.getByLabel("Only these groups").fill("north, south");
  await context.clearCookies();
  await form.locator("button.main").click();
  await (await log_in(page, "admin", password)).waitFor({ state: "detached" });
  await page.locator('[data-user="ben"]', { hasText: "only north, south" }).waitFor();
}

// Another window changes the same user meanwhile: told, and what was typed stays.
async function changed_in_two_windows({ page, url, admin }) {
  const item = page.locator('[data-user="ben"]');
  await item.getByText("Change", { exact: true }).click();
  const form = form_of(page, "Change ben");
  assert.ok(await is_refused(form), "nothing has changed yet");
  await form.getByLabel("Only these groups").fill("mine");
  const other = await call(url, "PATCH", "/users/ben", admin, { role: "viewer" });
  assert.equal(other.status, 200);
  await form.locator("button.main").click();
  await form.getByText("Somebody else has changed this meanwhile").waitFor();
  assert.equal(await form.getByLabel("Only these groups").inputValue(), "mine");
  assert.equal(await form.getByLabel("Role").inputValue(), "operator", "what was typed stays");
  await form.locator("button.main").click();
  await form.getByText("Saved").waitFor();
  const ben = await (await call(url, "GET", "/users/ben", admin)).json();
  assert.deepEqual([ben.role, ben.groups], ["operator", ["mine"]]);
  await item.getByText("Cancel").click();
}

export async function users({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration", "admin", password,
    [[409, "/users"], [412, "/users/ben"]]);
  const admin = await session_of(url, "admin", password);
  const form = form_of(page, "New user");
  await form.waitFor();
  await bad_input(form);
  await shot(page, "users-typed");
  await form.locator("button.main").click();
  const ana = await secret_of(page);
  await page.locator('[data-user="ana"]', { hasText: "Viewer" }).waitFor();
  await shot(page, "users-password");
  await judge(page, "a password shown once");
  await session_of(url, "ana", ana);
  await page.getByText("put it away").click();
  await page.locator(".secret").waitFor({ state: "detached" });
  assert.ok(!(await page.content()).includes(ana), "shown once");

  await form.getByLabel("Name", { exact: true }).fill("ana");
  await form.locator("button.main").click();
  await form.getByText("This name is taken").waitFor();
  assert.equal(await form.getByLabel("Name", { exact: true }).inputValue(), "ana");

  await made_after_log_in({ page, context, password });
  await page.getByText("put it away").click();
  await changed_in_two_windows({ page, url, admin });

  const item = page.locator('[data-user="ana"]');
  await item.getByText("Disable").click();
  await item.locator(".badge", { hasText: "disabled" }).waitFor();
  const refused = await call(url, "POST", "/session", {}, { name: "ana", password: ana });
  assert.equal(refused.status, 401);
  await item.getByText("Enable").click();
  await item.locator(".badge").waitFor({ state: "detached" });
  await item.getByText("Delete").click();
  await item.getByText("Really delete").click();
  await item.waitFor({ state: "detached" });
  const self = page.locator('[data-user="admin"]');
  assert.equal(await self.getByText("Delete").count(), 0, "nobody removes themselves");
  assert.deepEqual(faults, []);
}

export async function sessions({ context, url, password }) {
  const { page, faults } = await open_as(context, url, "administration/users", "admin", password);
  const form = form_of(page, "New user");
  await form.getByLabel("Name", { exact: true }).fill("cat");
  await form.getByLabel("Password").fill("a long password");
  await form.locator("button.main").click();
  await page.locator('[data-user="cat"]').waitFor();
  assert.equal(await page.locator(".secret").count(), 0, "who typed it knows it");
  const cat = await session_of(url, "cat", "a long password");
  await at(page, "administration/sessions");
  const line = page.locator("[data-session]", { hasText: "cat" });
  await line.getByText("Log out").click();
  await line.getByText("Really log out").click();
  await line.waitFor({ state: "detached" });
  assert.equal((await call(url, "GET", "/devices", cat)).status, 401);
  const own = page.locator("[data-session]", { hasText: "this one" });
  assert.equal(await own.getByRole("button").count(), 0);
  assert.deepEqual(faults, []);
}

export async function tokens({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/tokens", "admin", password);
  const form = form_of(page, "New token");
  assert.ok(await is_refused(form), "a name is wanted");
  await form.getByLabel("What it is for").fill("😀".repeat(65));
  await form.getByText("Too long: at most 256 bytes").waitFor();
  await form.getByLabel("What it is for").fill(nasty);
  await form.getByLabel("look").uncheck();
  await form.getByText("At least one is wanted").waitFor();
  assert.ok(await is_refused(form));
  await form.getByLabel("look").check();
  await form.getByLabel("Good for").selectOption("30");
  await form.locator("button.main").click();
  const token = await secret_of(page);
  await shot(page, "tokens-made");
  await judge(page, "a token shown once");
  const bearer = { Authorization: `Bearer ${token}` };
  assert.equal((await call(url, "GET", "/readings", bearer)).status, 200);
  assert.equal((await call(url, "POST", "/schedules", bearer, { name: "x" })).status, 403);
  await page.reload();
  const line = page.locator("[data-token]", { hasText: "<script>alert" });
  await line.waitFor();
  assert.ok(!(await page.content()).includes(token), "shown once");
  await line.getByText("Delete").click();
  await line.getByText("Really delete").click();
  await line.waitFor({ state: "detached" });
  assert.equal((await call(url, "GET", "/readings", bearer)).status, 401);
  assert.deepEqual(faults, []);
}

export async function devices({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/doors", "admin", password,
    [[409, "/products"]]);
  const form = form_of(page, "New credential");
  await form.getByLabel("Name of the device").fill("../x");
  await form.locator(".wrong", { hasText: "1 to 64 letters" }).waitFor();
  await form.getByLabel("Name of the device").fill("d1");
  await form.locator("button.main").click();
  const first = await secret_of(page);
  await page.locator(".secret pre", { hasText: `mqtts://d1:${first}@` }).waitFor();
  await shot(page, "doors-made");
  const line = page.locator('[data-credential="d1"]');
  await line.getByText("New password").click();
  await line.getByText("Really end the old one").click();
  await page.locator(".secret code", { hasNotText: first }).waitFor();
  await form.getByLabel("Name of the device").fill("d1");
  await form.getByText("It has a credential").waitFor();
  assert.ok(await is_refused(form), "the old password does not end by chance");
  await line.getByText("Shut out").click();
  await line.getByText("Really shut out").click();
  await line.getByText("shut out", { exact: true }).waitFor();

  const product = form_of(page, "New product");
  await product.getByLabel("Name of the product").fill("P1");
  await product.locator("button.main").click();
  const about = page.locator(".secret", { hasText: "Secret of product P1" });
  const secret = await about.locator("code").textContent();
  const body = { product: "P1", secret, device: "d2", password: "0123456789abcdefghij" };
  assert.equal((await call(url, "POST", "/registrations", {}, body)).status, 201);
  await product.getByLabel("Name of the product").fill("P1");
  await product.locator("button.main").click();
  await product.getByText("This name is taken").waitFor();
  await page.reload();
  await page.locator('[data-credential="d2"]', { hasText: "by product P1" }).waitFor();
  const made = page.locator('[data-product="P1"]');
  await made.getByText("Delete").click();
  await made.getByText("Really delete").click();
  await made.waitFor({ state: "detached" });
  assert.equal((await call(url, "POST", "/registrations", {}, { ...body, device: "d3" })).status,
    403);
  assert.deepEqual(faults, []);
}

// Who does not administer sees nothing of it, but has an account of their own.
export async function others({ context, url, shot, password }) {
  const admin = await session_of(url, "admin", password);
  const made = await call(url, "POST", "/users", admin,
    { name: "dora", role: "viewer", password: "her first password" });
  assert.equal(made.status, 201);
  const { page, faults } = await open_as(context, url, "", "dora", "her first password",
    [[403, "/session/password"]]);
  await page.locator("nav a", { hasText: "Devices" }).waitFor();
  assert.equal(await page.getByText("Administration").count(), 0);
  await at(page, "administration/users");
  await page.getByText("You may not do this.").waitFor();
  await page.locator(".bar a.who").click();
  const form = form_of(page, "Change your password");
  await form.getByLabel("Old password").fill("not the old one");
  await form.getByLabel("New password", { exact: true }).fill("her second password");
  await form.getByLabel("The new password again").fill("her second passwort");
  await form.getByText("The two are not the same").waitFor();
  assert.ok(await is_refused(form));
  await form.getByLabel("The new password again").fill("her second password");
  await form.locator("button.main").click();
  await form.getByText("The old password is wrong.").waitFor();
  assert.equal(await page.locator("dialog.login").count(), 0);
  const elsewhere = await session_of(url, "dora", "her first password");
  await form.getByLabel("Old password").fill("her first password");
  await form.locator("button.main").click();
  await form.getByText("Saved").waitFor();
  assert.equal((await call(url, "GET", "/devices", elsewhere)).status, 401);
  await session_of(url, "dora", "her second password");
  assert.equal(await form.getByLabel("Old password").inputValue(), "");
  await page.setViewportSize(phone);
  await judge(page, "one's own account on a phone");
  await shot(page, "account-phone");
  assert.deepEqual(faults, []);
}

// An operator has what goes in and out, and nothing else of it.
export async function operators({ context, url, password }) {
  const admin = await session_of(url, "admin", password);
  const made = await call(url, "POST", "/users", admin,
    { name: "olga", role: "operator", password: "a long password" });
  assert.equal(made.status, 201);
  const { page, faults } = await open_as(context, url, "administration", "olga",
    "a long password");
  await form_of(page, "Import from CSV").waitFor();
  assert.deepEqual(await page.locator("nav.parts a").allTextContents(), ["Billing and import"]);
  await at(page, "administration/users");
  await page.getByText("You may not do this.").waitFor();
  await at(page, "administration/nonsense");
  await page.getByText("There is no such page").waitFor();
  assert.deepEqual(faults, []);
}

export async function audit({ context, url, shot, password }) {
  const admin = await session_of(url, "admin", password);
  const made = await call(url, "POST", "/users", admin,
    { name: "eve", role: "viewer", groups: [nasty], password: "a planted secret" });
  assert.equal(made.status, 201);
  assert.equal((await call(url, "PATCH", "/users/eve", admin, { role: "operator" })).status, 200);
  // More than a page of them.
  for (let round = 0; round < 105; ++round)
    await call(url, "PATCH", "/users/eve", admin, { groups: [`g${round}`] });
  const { page, faults } = await open_as(context, url, "administration/audit", "admin", password);
  const lines = page.locator("[data-entry]");
  await lines.nth(99).waitFor();
  await page.getByText("Show more").click();
  await lines.nth(100).waitFor();
  const entry = lines.filter({ hasText: "new or ordered: user" }).first();
  await entry.locator("summary").click();
  await entry.locator("ins", { hasText: "<script>alert" }).waitFor();
  await entry.locator("summary").scrollIntoViewIfNeeded();
  const change = lines.filter({ hasText: "changed: user eve" }).first();
  await change.locator("summary").click();
  await change.locator("del", { hasText: '["g103"]' }).waitFor();
  await shot(page, "audit-open");
  await judge(page, "the audit, opened");
  const form = page.locator("form[role=search]");
  await form.getByLabel("About").fill("tokens");
  await form.getByText("Show").click();
  await lines.filter({ hasNotText: "tokens" }).first().waitFor({ state: "detached" });
  await form.getByLabel("By whom").fill("😀<script>");
  await form.getByText("Show").click();
  await page.getByText("Nothing of that kind.").waitFor();
  await form.getByLabel("By whom").fill("");
  await form.getByLabel("About").fill("session");
  await form.getByText("Show").click();
  await lines.filter({ hasText: "admin logged in" }).first().waitFor();
  assert.ok(!(await page.content()).includes("a planted secret"));
  assert.deepEqual(faults, []);
}
