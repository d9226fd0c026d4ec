// What stays in Latin letters on a page that is Chinese: its texts, labels, hints and titles,
// without code, and without what people and devices have named or said.

// Names, units and codes that a Chinese reader meets in Latin letters too; examples of paths.
const allowed = new Set(`
  Meterlens meterlens SmartDTU EC600S EC600SCNLB DTU GPIO UART JSON CSV JPEG PNG API MQTT HTTP
  HTTPS URL UTF UTC ID USB SIM OCR SMTP ESP32 CAM LED WS281x RST TXD RXD GND U0R U0T IO0 esptool
  Chrome Edge Windows localhost Authorization Bearer InfluxDB Webhook Home Assistant SQLite
  PostgreSQL English cron Unix IMEI ICCID dBm ms min KiB MiB GiB MB KB SHA COM3 CNY config
  retention photo_days reading_days audit_days beijing haidian
`.trim().split(/\s+/));

const codes = new RegExp([
  /“[^”]*”/, // quoted
  /\b(GPIO|UART)\d+/, // pins and ports
  /\b[0-9a-f]{64}\b/, // hashes
  /(?<!\w)\/[\w./-]+|\.(mli|bin|csv)\b/, // files and their endings
  /@daily/, // a short form of cron
].map(({ source }) => source).join("|"), "g");

const own = "main, nav, header.bar, title, dialog";
// What is as somebody named or said it; marked by the pages, or known by where it stands.
const said = "code, pre, .changes, datalist, canvas, svg, script, style";

const lists = ["devices", "meters", "groups", "profiles", "campaigns", "schedules", "images",
  "alarms", "users", "tokens", "credentials", "products", "notify", "audit"];
const named_by = ["id", "name", "group", "remark", "place", "serial", "product", "zone",
  "firmware", "board", "subject", "device", "groups", "by", "who"];

const ends_by = ["who", "by"]; // like "device d2"

function names_in(value, key, out) {
  if (typeof value === "string" && named_by.includes(key))
    for (const part of value.split(/[/. ]/).slice(ends_by.includes(key) ? -1 : 0)) out.add(part);
  if (typeof value !== "object" || value === null) return;
  for (const [name, inside] of Object.entries(value)) {
    if (key === "labels") out.add(name).add(inside);
    else names_in(inside, Array.isArray(value) ? key : name, out);
  }
}

// What people and devices have named, the longest first.
export async function names_of(page, url) {
  const out = new Set();
  for (const list of lists) {
    const answer = await page.request.get(`${new URL(url).origin}/api/v1/${list}`);
    names_in(await answer.json(), "", out);
  }
  return [...out].filter((name) => name.length > 1).sort((a, b) => b.length - a.length);
}

// Opens whatever can be opened, and waits until all of it is there.
export async function open_all(page) {
  await page.locator("main details").evaluateAll((all) => all.forEach((one) => (one.open = true)));
  await page.locator("main", { hasText: "加载中" }).waitFor({ state: "detached" });
}

export async function latin_of(page, names) {
  const texts = await page.evaluate(([own, said]) => {
    const attributes = ["aria-label", "title", "placeholder", "alt"];
    const out = [];
    for (const root of document.querySelectorAll(own)) {
      const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
      for (let node = walk.currentNode; node !== null; node = walk.nextNode()) {
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element.closest(said) !== null) continue;
        if (node.nodeType === Node.TEXT_NODE) out.push(node.data);
        else for (const name of attributes) out.push(node.getAttribute(name) ?? "");
      }
    }
    return out;
  }, [own, said]);
  const left = new Map();
  for (const text of texts) {
    const named = names.reduce((rest, name) => rest.replaceAll(name, " "), text);
    const plain = named.replace(codes, " ");
    for (const word of plain.match(/[A-Za-z][A-Za-z0-9_]+/g) ?? [])
      if (!allowed.has(word)) left.set(word, text.trim());
  }
  return left;
}

// What is English on the page as it is now, and where.
export async function english_on(page, what, names) {
  const left = await latin_of(page, names);
  return [...left].map(([word, text]) => `${what}: ${word} in "${text.slice(0, 120)}"`);
}
