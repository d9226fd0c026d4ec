// Administers a running server in headless Chromium as a person would, story by story.
//   node admin_test.mjs URL FOLDER     screenshots go to FOLDER; exit code 0: all held, 1: not
// ADMIN_PASSWORD has the password of "admin"; STORIES names some stories alone. What the server
// must have, and the lines `ask: ...` that the driver answers with `done`: see admin_test.py.
import { run_stories, shots_in } from "./browser.mjs";
import { billing, integrations, second, upkeep } from "./stories/care.mjs";
import { every_form_of_administration } from "./stories/forms.mjs";
import { audit, devices, operators, others, sessions, tokens, users } from "./stories/people.mjs";
import { chinese, each_part, gone_and_back, quiet_log_in } from "./stories/parts.mjs";

const [url, folder] = process.argv.slice(2);
const password = process.env.ADMIN_PASSWORD;
if (!url || !folder || !password) {
  console.error("usage: ADMIN_PASSWORD=... node admin_test.mjs URL FOLDER");
  process.exit(2);
}
const stories = {
  quiet_log_in, users, sessions, tokens, devices, second, integrations, billing, upkeep, others,
  operators, each_part, chinese, audit, gone_and_back, every_form_of_administration,
};
const failed = await run_stories(stories, folder, { url, shot: shots_in(folder), password });
console.log(failed === 0 ? "administration: every check held" : `${failed} stories failed`);
process.exit(failed === 0 ? 0 : 1);
