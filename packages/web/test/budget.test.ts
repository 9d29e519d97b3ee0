import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildPage } from "./support/system.ts";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const read = (path: string) => readFileSync(dist + path);

before(() => buildPage());

/** What a page loads before it shows anything, of one kind; bytes after gzip. */
function loaded(page: string, pattern: RegExp): number {
  const paths = [...read(page).toString().matchAll(pattern)].map((match) => match[1] ?? "");
  assert.ok(paths.length > 0);
  return paths.reduce((sum, path) => sum + gzipSync(read(path.slice(1)), { level: 9 }).length, 0);
}

const SCRIPTS = /(?:src|href)="([^"]+\.js)"/g;
const STYLES = /href="([^"]+\.css)"/g;

test("the playground loads at most 130 KB of script and 15 KB of styles", () => {
  const [script, styles] = [loaded("index.html", SCRIPTS), loaded("index.html", STYLES)];
  assert.ok(script <= 130_000, `${script} bytes of script`);
  assert.ok(styles <= 15_000, `${styles} bytes of styles`);
});

test("the dashboard loads at most 120 KB of script of its own, apart from the playground", () => {
  const playground = read("index.html").toString();
  const alone = [...read("admin.html").toString().matchAll(SCRIPTS)].filter(
    ([, path]) => !playground.includes(path ?? ""),
  );
  const bytes = alone.reduce((sum, [, path]) => sum + gzipSync(read((path ?? "").slice(1)), { level: 9 }).length, 0);
  assert.ok(alone.length > 0 && bytes <= 120_000, `${bytes} bytes of script of its own`);
});

test("the pages have nothing inline and ask no other origin", () => {
  for (const page of ["index.html", "admin.html"]) {
    const html = read(page).toString();
    assert.doesNotMatch(html, /https?:|<script>|<style|style=|\son\w+=/, page);
  }
});
