// Administers a running server in headless Chromium as a person would, story by story.
//   node admin_test.mjs URL FOLDER     screenshots go to FOLDER; exit code 0: all held, 1: not
// ADMIN_PASSWORD has the password of "admin"; STORIES names some stories alone. What the server
// must have, and the lines `ask: ...` that the driver answers with `done`: see admin_test.py.
import { join } from "node:path";
import { launch, shots_in, with_context } from "./browser.mjs";
import { billing, integrations, second, upkeep } from "./stories/care.mjs";
import { audit, devices, operators, others, sessions, tokens, users } from "./stories/people.mjs";
import { each_part, gone_and_back, quiet_log_in } from "./stories/parts.mjs";

const [url, folder] = process.argv.slice(2);
const password = process.env.ADMIN_PASSWORD;
if (!url || !folder || !password) {
  console.error("usage: ADMIN_PASSWORD=... node admin_test.mjs URL FOLDER");
  process.exit(2);
}
const stories = {
  quiet_log_in, users, sessions, tokens, devices, second, integrations, billing, upkeep, others,
  operators, each_part, audit, gone_and_back,
};
const wanted = process.env.STORIES?.split(",") ?? Object.keys(stories);
const browser = await launch();
const shot = shots_in(folder);
let failed = 0;
for (const name of wanted) {
  const began = Date.now();
  try {
    await with_context(browser, async (context) => {
      try {
        await stories[name]({ browser, context, url, shot, password });
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
console.log(failed === 0 ? "administration: every check held" : `${failed} stories failed`);
process.exit(failed === 0 ? 0 : 1);
