// Builds the page into dist/: one script, one style sheet, both with a hash in their name so that
// a browser never shows an old one. With --tests: bundles src/**/*.test.ts and runs them.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const shared = { bundle: true, format: "esm", charset: "utf8", logLevel: "warning" };

function typed() {
  const checked = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc"], {
    stdio: "inherit",
  });
  if (checked.status !== 0) process.exit(1);
}

async function page() {
  await rm("dist", { recursive: true, force: true });
  const { metafile } = await build({
    ...shared,
    entryPoints: ["src/main.ts", "src/main.css"],
    outdir: "dist",
    entryNames: "[name]-[hash]",
    target: "es2021",
    minify: true,
    metafile: true,
  });
  let html = await readFile("src/index.html", "utf8");
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs))
    if (entryPoint) html = html.replace(basename(entryPoint).replace(".ts", ".js"), basename(file));
  await writeFile("dist/index.html", html);
  await cp("src/icon.svg", "dist/icon.svg");
}

async function tests() {
  const outdir = "node_modules/.tests";
  const names = (await readdir("src")).filter((name) => name.endsWith(".test.ts"));
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  await build({
    ...shared,
    entryPoints: names.map((name) => join("src", name)),
    outdir,
    platform: "node",
    outExtension: { ".js": ".mjs" },
  });
  const files = names.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs")));
  process.exit(spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1);
}

typed();
await (process.argv.includes("--tests") ? tests() : page());
