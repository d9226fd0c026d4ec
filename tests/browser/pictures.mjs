// Takes the guide's pictures of a running server's pages, in both languages.
//   node pictures.mjs URL FOLDER     writes FOLDER/en/NAME.webp and FOLDER/zh/NAME.webp
// What is taken is said by pictures.json: the page, what shows that it is there, the size. The
// server has what `pictures` gives it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, in_language, launch, open, phone, with_context } from "./browser.mjs";

const [url, folder] = process.argv.slice(2);
const quality = 62; // of WebP: letters stay sharp, a page has about 25 KB
const size = { width: 1100, height: 760 };
const pictures = JSON.parse(readFileSync(new URL("pictures.json", import.meta.url), "utf8"));

// Playwright writes no WebP; the browser itself does.
async function take(page, cdp, file) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  const images = page.locator("main img");
  for (const image of await images.all())
    await image.evaluate((one) => one.decode().catch(() => undefined));
  const { data } = await cdp.send("Page.captureScreenshot", { format: "webp", quality });
  writeFileSync(file, Buffer.from(data, "base64"));
}

// The second step of an installation: aiming, on a phone.
async function go_aiming(page, device) {
  await page.locator("section[data-step] input").first().fill(device);
  await page.locator("section[data-step] .notice .state.online").waitFor();
  await page.locator("section[data-step] button.main").last().click();
  await page.locator('section[data-step="aim"] button').first().click();
  await page.locator(".aiming .frame").waitFor();
}

// The controls of a SmartDTU, the second of what can be opened there.
async function open_controls(page, sign) {
  await page.locator("details.card > summary").nth(1).click();
  await page.locator(`${sign} textarea`).fill('{"lamp": "on"}');
  await page.locator("details.card[open]").evaluate((element) => element.scrollIntoView());
}

async function take_all(context, language) {
  const { page } = await open(context, url);
  await in_language(page, language);
  const cdp = await page.context().newCDPSession(page);
  for (const [name, one] of Object.entries(pictures)) {
    const { width = size.width, height = size.height } = one;
    await page.setViewportSize(one.phone ? phone : { width, height });
    await at(page, one.hash);
    if (one.phone) await go_aiming(page, one.phone);
    await page.locator(one.sign).first().waitFor();
    if (one.open) await open_controls(page, one.open);
    await take(page, cdp, join(folder, language, `${name}.webp`));
  }
  await page.close();
}

const browser = await launch();
try {
  for (const language of ["en", "zh"]) {
    mkdirSync(join(folder, language), { recursive: true });
    await with_context(browser, (context) => take_all(context, language));
  }
} finally {
  await browser.close();
}
