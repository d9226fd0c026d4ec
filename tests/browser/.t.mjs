import { launch, with_context } from "./browser.mjs";
import { every_form } from "./stories/forms.mjs";
import { readFileSync } from "node:fs";
const url = readFileSync("/tmp/pages/live.url","utf8");
const b = await launch();
const t = Date.now();
await with_context(b, async (context) => { context.setDefaultTimeout(20000); try { await every_form({ context, url }); } catch (e) { await context.pages()[0].screenshot({path:"/tmp/pages/t.png", fullPage:true}); console.log(e.stack); } });
console.log((Date.now()-t)/1000, "s");
await b.close();
