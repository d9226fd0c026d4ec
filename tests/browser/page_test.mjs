// Uses the console of a running server in headless Chromium as a person would, story by story.
//   node page_test.mjs URL FOLDER DIST     screenshots go to FOLDER; DIST is the built console;
//                                          exit code 0: all held, 1: not
// STORIES names some of them alone. CHROMIUM names another browser program. What the server must
// have, and the lines `ask: ...` that the driver answers with `done`: see browser_test.py.
import { run_stories, shots_in } from "./browser.mjs";
import { capture, device_forms } from "./stories/capture.mjs";
import { bulk, fleet } from "./stories/fleet.mjs";
import { every_form } from "./stories/forms.mjs";
import { install } from "./stories/install.mjs";
import { flash, images, meter, meters, schedules } from "./stories/meter.mjs";
import { campaigns, care, controls, groups, profiles, records } from "./stories/operation.mjs";
import { guide_pictures } from "./stories/pictures.mjs";
import { review, review_conflict, review_logged_out } from "./stories/review.mjs";
import {
  alarms, chinese, every_page, first_load, gone_and_back, keyboard,
} from "./stories/whole.mjs";

const [url, folder, dist] = process.argv.slice(2);
if (!url || !folder || !dist) {
  console.error("usage: node page_test.mjs URL FOLDER DIST");
  process.exit(2);
}
const stories = {
  first_load, fleet, capture, device_forms, groups, profiles, campaigns, records, controls,
  guide_pictures, every_page, chinese, alarms, keyboard, meter, meters, schedules, images, flash,
  install, review, review_conflict, review_logged_out, care, gone_and_back, bulk, every_form,
};
const failed = await run_stories(stories, folder, {
  url, shot: shots_in(folder), dist, device: "browser-power", meter: "browser-water",
});
console.log(failed === 0 ? "page: every check held" : `page: ${failed} stories failed`);
process.exit(failed === 0 ? 0 : 1);
