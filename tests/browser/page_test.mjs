// Uses the console of a running server in headless Chromium as a person would, story by story.
//   node page_test.mjs URL FOLDER DIST     screenshots go to FOLDER; DIST is the built console;
//                                          exit code 0: all held, 1: not
// STORIES names some of them alone. CHROMIUM names another browser program. What the server must
// have, and the lines `ask: ...` that the driver answers with `done`: see browser_test.py.
import { join } from "node:path";
import { launch, shots_in, with_context } from "./browser.mjs";
import { capture, device_forms } from "./stories/capture.mjs";
import { bulk, fleet } from "./stories/fleet.mjs";
import { install } from "./stories/install.mjs";
import { flash, images, meter, schedules } from "./stories/meter.mjs";
import { campaigns, care, controls, groups, profiles, records } from "./stories/operation.mjs";
import { review, review_conflict, review_logged_out } from "./stories/review.mjs";
import { alarms, every_page, first_load, gone_and_back, keyboard } from "./stories/whole.mjs";

const [url, folder, dist] = process.argv.slice(2);
if (!url || !folder || !dist) {
  console.error("usage: node page_test.mjs URL FOLDER DIST");
  process.exit(2);
}
const shot = shots_in(folder);
const stories = {
  first_load, fleet, capture, device_forms, groups, profiles, campaigns, records, controls,
  every_page, alarms, keyboard, meter, schedules, images, flash, install, review, review_conflict,
  review_logged_out, care, gone_and_back, bulk,
};
const wanted = process.env.STORIES?.split(",") ?? Object.keys(stories);
const browser = await launch();
let failed = 0;
for (const name of wanted) {
  const began = Date.now();
  try {
    await with_context(browser, async (context) => {
      const given = { context, url, shot, dist, device: "browser-power", meter: "browser-water" };
      try {
        await stories[name](given);
      } catch (error) {
        for (const page of context.pages())
          await page
            .screenshot({ path: join(folder, `failed-${name}.png`), timeout: 3_000 })
            .catch(() => undefined);
        throw error;
      }
    });
  } catch (error) {
    ++failed;
    console.error(`${name}: ${error.stack}`);
  }
  console.log(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
await browser.close();
console.log(failed === 0 ? "page: every check held" : `page: ${failed} stories failed`);
process.exit(failed === 0 ? 0 : 1);
