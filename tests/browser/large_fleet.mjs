// Measures the pages of devices and meters of a running server that has a large fleet.
//   node large_fleet.mjs URL
import { at, launch, with_context } from "./browser.mjs";

const [url] = process.argv.slice(2);
const say = (what, ms) => console.log(`${what}: ${(ms / 1000).toFixed(2)} s`);

async function measure(context) {
  context.setDefaultTimeout(300_000);
  const page = await context.newPage();
  await page.goto(`${url}#/devices`, { waitUntil: "commit" });
  const since_begin = () => page.evaluate(() => performance.now());
  await page.locator(".rows tbody th").first().waitFor();
  say("the first devices show after", await since_begin());
  const { devices } = await (await page.request.get(`${url}api/v1/devices?fields=id&limit=10000` +
    `&online=false`)).json();
  const last = devices.at(-1).id;
  const is_listed = page.getByText(/^[\d,]+ of [\d,]+ devices(; .*)?$/);
  const is_whole = page.getByText(/^[\d,]+ of [\d,]+ devices$/);
  const find = async (what) => {
    const began = Date.now();
    await page.getByLabel("Search").fill(last);
    await page.locator(".rows tbody th", { hasText: last }).waitFor();
    say(what, Date.now() - began);
    await page.getByLabel("Search").fill("");
  };
  await find(`${last} is found while ${(await is_listed.count()) ? "none" : "others"} come, after`);
  await is_listed.waitFor();
  say("all can be looked through after", await since_begin());
  await is_whole.waitFor();
  say(`${await is_whole.textContent()} are here after`, await since_begin());
  await find(`${last} is found among all after`);
  await at(page, "meters");
  await page.locator(".cards .card").nth(1).waitFor();
  const began = Date.now();
  await page.getByLabel("Search").fill(last.slice(1).toUpperCase());
  await page.locator('ul.cards[aria-busy="false"] strong', { hasText: last }).waitFor();
  await page.locator(".cards strong").nth(1).waitFor({ state: "detached" });
  say("a meter is found by part of its name after", Date.now() - began);
  for (const verdict of ["doubtful", "none"]) {
    const asked = Date.now();
    await page.getByLabel("Search").fill("");
    await page.getByLabel("Newest reading").selectOption(verdict);
    await page.locator('ul.cards[aria-busy="true"]').waitFor({ state: "detached" });
    say(`meters whose newest reading is ${verdict}, after`, Date.now() - asked);
  }
}

const browser = await launch();
try {
  await with_context(browser, measure);
} finally {
  await browser.close();
}
