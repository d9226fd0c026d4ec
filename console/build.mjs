// Builds the page into dist/: scripts and the style sheet have a hash in their name, so that a
// browser never shows an old one; what only some pages need is a file of its own, loaded with them.
// With --tests: bundles src/**/*.test.ts and runs them.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { write_api_types } from "./api_types.mjs";

const shared = {
  bundle: true,
  format: "esm",
  charset: "utf8",
  logLevel: "warning",
  jsx: "automatic",
  jsxImportSource: "preact",
};

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
    entryPoints: ["src/main.tsx", "src/style/main.css"],
    outdir: "dist",
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    target: "es2021",
    splitting: true,
    minify: true,
    metafile: true,
  });
  let html = await readFile("src/index.html", "utf8");
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    const name = entryPoint && basename(entryPoint).replace(".tsx", ".js");
    if (name) html = html.replace(`/${name}`, `/assets/${basename(file)}`);
  }
  await writeFile("dist/index.html", html);
  await cp("src/icon.svg", "dist/icon.svg");
  // The server sends these where a browser takes them.
  for (const name of await readdir("dist", { recursive: true })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue;
    const file = join("dist", name);
    await writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: 9 }));
  }
}

async function tests() {
  const outdir = "node_modules/.tests";
  const names = (await readdir("src", { recursive: true })).filter((name) =>
    name.endsWith(".test.ts"),
  );
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  await build({
    ...shared,
    entryPoints: names.map((name) => join("src", name)),
    outdir,
    entryNames: "[name]",
    platform: "node",
    outExtension: { ".js": ".mjs" },
  });
  const files = names.map((name) => join(outdir, basename(name).replace(/\.ts$/, ".mjs")));
  process.exit(spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1);
}

await write_api_types("../server/api/openapi.yaml", "src/api/openapi.ts");
typed();
await (process.argv.includes("--tests") ? tests() : page());
