// Whatever the server may say has a Chinese form: every sentence in its sources is tried.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { in_chinese } from "./words/said";

const server = "../server";
const rooms = ["", "api", "validate", "command", "update", "schedule", "notify", "second", "photo"];
// Sentences of the start, the log, mails and files, which reach no page.
const unsaid_files = new Set([
  "api/broker_door.cpp", "photo/files.cpp", "photo/s3.cpp", "photo/objects.cpp", "second/keys.cpp",
  "share_steps.cpp", "record_steps.cpp", "fleet_steps.cpp", "api/worker_door.cpp",
]);
const unsaid = [
  /^(the HTTP port|no permission to listen|cannot listen)/, /base_url|endpoint in/,
  /still here/, /^Meterlens|If you can read this|\\r/, /^cron: the 7|day of (month|week)$/,
  /^devices cannot be saved: $/, /^what is known of a device/, /^\[store\]/, /^a public key has/,
  /^(cannot write|deleted too|and the token has)/, /^no answer yet/,
];
const no_prose =
  /SELECT|INSERT|DELETE FROM|UPDATE |WHERE | AND |RETURNING|ORDER BY|<!doctype/;
// Codes and units that stay as they are.
const plain = new RegExp(
  "\\b(JSON|JPEG|UTF|ASCII|SHA|SIM|MQTT|DTU|SmartDTU|ETag|MiB|localhost|true|null|Unix)\\b", "g",
);

const literal = String.raw`"(?:[^"\\\n]|\\.)*"`;
const between = String.raw`\s*\+\s*[A-Za-z_][\w.:>()\[\]-]*(?:\([^()"]*\))?\s*\+\s*|\s*\+\s*|\s+`;
const chain = new RegExp(`${literal}(?:(?:${between})${literal})*`, "g");

// The sentences of a source, with 7 for what is put into them.
function sentences_of(source: string): string[] {
  const code = source.replace(/^\s*(\/\/|#).*$/gm, "");
  return [...code.matchAll(chain)].flatMap((found) => {
    const before = code.slice(Math.max(0, found.index - 90), found.index);
    if (/spdlog::\w+\([^;"]*$/.test(before)) return [];
    const whole = found[0]
      .replace(new RegExp(`"(${between})"`, "g"), (_, gap: string) => (/\w/.test(gap) ? "7" : ""))
      .slice(1, -1)
      .replace(/\\"/g, '"')
      .replace(/\{(:[^}]*)?\}/g, "7");
    if (!/[a-z]{2,} [a-z]/.test(whole) || no_prose.test(whole)) return [];
    return [whole.replace(/^[:;,] /, "").replace(/^(?=["] | must )/, "7")];
  });
}

test("every sentence that the server may say has a Chinese form", () => {
  const english: string[] = [];
  let count = 0;
  for (const room of rooms)
    for (const name of readdirSync(join(server, room))) {
      const file = join(room, name);
      if (!/\.cpp$/.test(name) || /_test|fixture/.test(name) || unsaid_files.has(file)) continue;
      for (const sentence of sentences_of(readFileSync(join(server, file), "utf8"))) {
        if (unsaid.some((pattern) => pattern.test(sentence))) continue;
        ++count;
        const zh = in_chinese(sentence).replace(/“[^”]*”|"[^"]*"/g, "").replace(plain, "");
        if (/[a-z]{2}/i.test(zh)) english.push(`${file}: ${sentence}: ${zh}`);
      }
    }
  assert.ok(count > 250, `only ${count} sentences were found`);
  assert.deepEqual(english, []);
});
