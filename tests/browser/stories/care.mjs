// Administration of what costs, who is told, what goes in and out, and what is kept.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ask, call, in_language, judge, open_as, session_of } from "../browser.mjs";

const form_of = (page, name) => page.locator(`form[aria-label="${name}"]`);

export async function second({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/second", "admin", password,
    [[404, "/meters/nobody/second"], [412, "/meters/m1/second"]]);
  await page.getByText("Try the keys").click();
  await page.getByText("The provider takes the keys").waitFor();
  await ask("refuse the keys");
  await page.getByText("Try the keys").click();
  await page.locator("[role=alert]", { hasText: "unknown client id" }).waitFor();
  assert.equal(await page.getByText("The provider takes the keys").count(), 0);

  const find = form_of(page, "For one meter");
  await find.getByLabel("Name of the meter").fill("<b>");
  await find.locator(".wrong").waitFor();
  await find.getByLabel("Name of the meter").fill("nobody");
  await find.locator("button.main").click();
  await find.getByText("The server does not know this meter.").waitFor();
  await find.getByLabel("Name of the meter").fill("m1");
  await find.locator("button.main").click();
  const form = form_of(page, "Policy of m1");
  await form.waitFor();
  const choice = form.getByLabel("Policy of m1");
  assert.equal(await choice.inputValue(), "baidu");
  await choice.selectOption("local-then-baidu");
  await form.getByLabel("Reason").fill("<script>alert(1)</script> 太贵 😀");
  // Another window decides otherwise meanwhile.
  const admin = await session_of(url, "admin", password);
  const other = await call(url, "PUT", "/meters/m1/second", admin, { policy: "local" });
  assert.equal(other.status, 200);
  await form.locator("button.main").click();
  await form.getByText("Somebody else has changed this meanwhile").waitFor();
  assert.equal(await choice.inputValue(), "local-then-baidu", "what was chosen stays");
  await form.locator("button.main").click();
  await form.getByText("Saved").waitFor();
  await form.locator("li", { hasText: /admin.*<script>alert/ }).waitFor();

  const row = page.locator(".wide-table tfoot td").last();
  assert.equal(await row.textContent(), "0.005");
  await page.getByLabel("Added up").selectOption("meter");
  await page.locator(".wide-table tbody th a", { hasText: "m1" }).waitFor();
  await page.getByLabel("Meter (empty: all)").fill("nobody");
  await page.getByText("Nothing was asked in that time.").waitFor();
  await page.getByLabel("Meter (empty: all)").fill("");
  await page.locator(".wide-table").waitFor();
  await shot(page, "second-policy");
  assert.deepEqual(faults, []);
}

// What each sink's test says when the other end refuses it: in words, and what the other end said.
const refusals = {
  "webhook.house": [/does not let the server in.*the answer is 401/, /对方拒绝访问.*401/],
  influxdb: [/has no such address.*the answer is 404/, /对方没有此地址.*404/],
  email: [/does not take the message.*550/, /对方不接受该消息.*550/],
  "webhook.nobody": [/Nobody answers there.*127\.0\.0\.1:9/, /对方没有应答.*127\.0\.0\.1:9/],
};

export async function integrations({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/integrations", "admin",
    password);
  const button = (sink) => page.locator(`[data-sink="${sink}"] .try button`);
  const said = (sink, text) => page.locator(`[data-sink="${sink}"] .try [role=alert]`,
    { hasText: text }).waitFor();
  for (const sink of ["home_assistant", "webhook.house", "influxdb", "email"]) {
    await button(sink).click();
    await page.locator(`[data-sink="${sink}"]`).getByText("It arrived.").waitFor();
  }
  await ask("look what was told");
  await shot(page, "integrations-told");
  for (const [index, language] of ["en", "zh"].entries()) {
    await in_language(page, language);
    await ask("have all refuse");
    for (const [sink, words] of Object.entries(refusals)) {
      await button(sink).click();
      await said(sink, words[index]);
    }
    await judge(page, `refused test messages, ${language}`);
    await shot(page, `integrations-refused-${language}`);
  }
  assert.deepEqual(faults, []);
}

async function import_meters(page, shot) {
  const form = form_of(page, "Import from CSV");
  const send = form.locator("button.main");
  assert.equal(await send.getAttribute("aria-disabled"), "true", "a file is wanted");
  const give = (text) => form.getByLabel("File (.csv)")
    .setInputFiles({ name: "x.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await give("x".repeat(2_500_001));
  await form.getByText("Too large: at most 2.5 MB").waitFor();
  await give("\u0000\u0001 no table at all");
  await send.click();
  await form.locator("[role=alert]", { hasText: "unknown column" }).waitFor();
  await give(`id,place\nk1,"<script>alert(1)</script> 地下室 😀"\n../x,cellar\nm1,again\nk1,twice\n`);
  await form.getByLabel("Reason").fill("moved in");
  await send.click();
  const outcome = page.locator("[data-taken]");
  await outcome.getByText("0 of 4 lines went in, 3 are bad.").waitFor();
  await outcome.getByText("Line 4: there is a meter m1 already").waitFor();
  assert.equal(await outcome.locator(".bad-lines li").count(), 3);
  await shot(page, "billing-bad-lines");
  await page.locator("button.language").click();
  await outcome.getByText("第 4 行： 表计 m1 已存在").waitFor();
  await page.locator("button.language").click();
  await outcome.getByText("Take the good lines (1)").click();
  await page.locator("[data-taken='1']").waitFor();
  await give("meter,at,value\nk1,2026-01-01T00:00:00Z,10\nk1,2026-02-01T00:00:00Z,20\n");
  await form.getByLabel("What the lines are").selectOption("readings");
  await send.click();
  await page.locator("[data-taken='2']").waitFor();
}

export async function billing({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/billing", "admin", password,
    [[422, "/import/meters"], [400, "/import/meters"]]);
  await import_meters(page, shot);
  const form = form_of(page, "Readings for billing");
  const save = form.locator("button.main");
  await form.getByLabel("From").fill("2026-01-01");
  await form.getByLabel("To, that day too").fill("2026-01-01");
  assert.equal(await save.getAttribute("aria-disabled"), "false", "the day itself counts");
  await form.getByLabel("To, that day too").fill("2025-12-31");
  await form.getByText("The end comes before the beginning").waitFor();
  await form.getByLabel("To, that day too").fill("2026-01-31");
  await form.getByLabel("Meter (empty: all)").fill("k1");
  const download = page.waitForEvent("download");
  await save.click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "readings-2026-01-01-2026-01-31.csv");
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0], /^meter,/);
  assert.match(lines[1], /^k1,.*2026-01-01T00:00:00/);
  await form.getByText("1 readings in the file").waitFor();
  assert.deepEqual(faults, []);
}

export async function upkeep({ context, url, shot, password }) {
  const { page, faults } = await open_as(context, url, "administration/upkeep", "admin", password);
  await page.getByText("No whole backup is known").waitFor();
  await page.getByText("3650 days").waitFor();
  await ask("make a backup");
  await page.reload();
  const line = page.locator("li", { hasText: /whole.*saved/ });
  await line.getByText("1 photos, 0 images").waitFor();
  assert.equal(await page.getByText("No whole backup is known").count(), 0);
  await page.getByText("GiB free").first().waitFor();
  await shot(page, "upkeep-backup");
  assert.deepEqual(faults, []);
}
