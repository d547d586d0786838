// Builds ../built: one program, one style sheet, and the licences of what is bundled.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.join(here, "..", "built");

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.js" },
  outdir: built,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome110", "firefox113", "safari16.4"], // DecompressionStream and MathML
  charset: "ascii", // the digest in the page's policy is of bytes
  legalComments: "none", // the licences go to a file of their own
  metafile: true,
});
// Formulas are in the reader's own fonts: a page has no place for others.
const formulas = await readFile(path.join(here, "node_modules/temml/dist/Temml-Local.css"), "utf8");
const own = await readFile(path.join(here, "src/page.css"), "utf8");
await build({
  stdin: { contents: formulas.replace(/@font-face\s*\{[^}]*\}/g, "") + own, loader: "css" },
  outfile: path.join(built, "page.css"),
  minify: true,
  charset: "utf8",
});

const bundled = new Set();
for (const file of Object.keys(metafile.inputs)) {
  const found = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) bundled.add(found[1]);
}
const parts = ["What the page's program contains besides our own code, which is under Apache-2.0.\n"];
for (const name of [...bundled].sort()) {
  const folder = path.join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? await readFile(path.join(folder, file), "utf8") : `Licence: ${license}\n`;
  parts.push(`${"=".repeat(72)}\n${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(path.join(built, "LICENCES.txt"), parts.join("\n"));

// What it was built from, so that a test can tell whether that has changed since.
const sources = ["build.mjs", "package-lock.json", ...(await readdir(path.join(here, "src"))).sort().map((name) => `src/${name}`)];
const digests = [];
for (const name of sources) {
  const digest = createHash("sha256").update(await readFile(path.join(here, name))).digest("hex");
  digests.push(`${digest}  ${name}\n`);
}
await writeFile(path.join(built, "sources.sha256"), digests.join(""));
