// The pages that the guides show, each as pictures.json says: the page, what shows that it is
// there, the size, the part that is wanted.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { at, in_language, open, phone } from "../browser.mjs";

const size = { width: 1100, height: 760 };
const pictures = JSON.parse(readFileSync(new URL("../pictures.json", import.meta.url), "utf8"));

// The second step of an installation: aiming, on a phone.
async function go_aiming(page, device) {
  await page.locator("section[data-step] input").first().fill(device);
  await page.locator("section[data-step] .notice .state.online").waitFor();
  await page.locator("section[data-step] button.main").last().click();
  await page.locator('section[data-step="aim"] button').first().click();
  await page.locator(".aiming .frame").waitFor();
}

const words_of_controls = { en: "Ports, pins and timers", zh: "串口、引脚与定时器" };

// The controls of a SmartDTU.
async function open_controls(page, sign, language) {
  const card = page.locator("details.card", { hasText: words_of_controls[language] });
  await card.locator("summary").first().click();
  await page.locator(`${sign} textarea`).fill('{"lamp": "on"}');
  await card.evaluate((element) => element.scrollIntoView());
}

// `take(page, name, part)` is called for each, with a part when that is all that is wanted;
// `names` are those of the devices, where they are others.
export async function show_pictures({ context, url, language, names = {}, without = [] }, take) {
  const { page, faults } = await open(context, url);
  await in_language(page, language);
  const named = (text) =>
    Object.entries(names).reduce((now, [from, to]) => now.replace(from, to), text);
  for (const [name, one] of Object.entries(pictures)) {
    if (without.includes(name)) continue;
    const { width = size.width, height = size.height } = one;
    await page.setViewportSize(one.phone ? phone : { width, height });
    await at(page, named(one.hash));
    if (one.phone) await go_aiming(page, named(one.phone));
    await page.locator(one.sign).first().waitFor();
    if (one.open) await open_controls(page, one.open, language);
    await take(page, name, one.of === undefined ? null : page.locator(one.of).first());
  }
  assert.deepEqual(faults, []);
  await page.close();
}

// That they can be taken: a page that has changed would leave the guides with old ones.
export async function guide_pictures({ context, url, shot }) {
  const names = { "flat-2-power": "browser-power", "cellar-water": "browser-water",
    "dtu-7": "browser-smart" };
  // Until a reading is missing takes a minute.
  await show_pictures({ context, url, language: "en", names, without: ["missing"] },
    (page, name) => shot(page, `guide-${name}`));
}
