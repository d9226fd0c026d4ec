// Takes the guide's pictures of a running server's pages, in both languages.
//   node pictures.mjs URL FOLDER     writes FOLDER/en/NAME.webp and FOLDER/zh/NAME.webp
// What is taken is said by pictures.json; the server has what `pictures` gives it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, with_context } from "./browser.mjs";
import { show_pictures } from "./stories/pictures.mjs";

const [url, folder] = process.argv.slice(2);
const edge = 10;
const quality = 62; // of WebP: letters stay sharp, a page has about 25 KB

// With a little of what is around it.
async function place_of(part) {
  await part.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await part.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
  });
  return { x: x - edge, y: y - edge, width: width + 2 * edge, height: height + 2 * edge };
}

// Playwright writes no WebP; the browser itself does.
async function take(page, file, part) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  const images = page.locator("main img");
  for (const image of await images.all())
    await image.evaluate((one) => one.decode().catch(() => undefined));
  const cdp = await page.context().newCDPSession(page);
  const clip = part === null ? {}
    : { clip: { ...(await place_of(part)), scale: 1 }, captureBeyondViewport: true };
  const { data } = await cdp.send("Page.captureScreenshot", { format: "webp", quality, ...clip });
  await cdp.detach();
  writeFileSync(file, Buffer.from(data, "base64"));
}

const browser = await launch();
try {
  for (const language of ["en", "zh"]) {
    mkdirSync(join(folder, language), { recursive: true });
    await with_context(browser, (context) => show_pictures({ context, url, language },
      (page, name, part) => take(page, join(folder, language, `${name}.webp`), part)));
  }
} finally {
  await browser.close();
}
