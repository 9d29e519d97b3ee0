import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { test } from "node:test";

const root = new URL("../../", import.meta.url).pathname;
const pages = globSync(["*.md", "docs/**/*.md", "packages/*/*.md", "models/**/*.md", "examples/**/*.md"], {
  cwd: root,
  exclude: (path) => path.includes("node_modules"),
});

/** A page without what is code: links and headings in that are none. */
function prose(path: string): string {
  const text = readFileSync(path, "utf8");
  return text.replace(/^ *(```|~~~).*?^ *\1 *$/gms, "");
}

/** The anchors that GitHub gives a page's headings, and those that the page sets itself. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const text = prose(path);
  for (const [, heading = ""] of text.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const shown = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<[^>]*>/g, "");
    const slug = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  for (const [, name = ""] of text.matchAll(/<a\s[^>]*(?:id|name)="([^"]+)"/g)) anchors.add(name);
  return anchors;
}

/** Targets of links and pictures, without those that leave the repository. */
function targetsOf(path: string): string[] {
  const text = prose(path).replace(/`[^`\n]*`/g, "");
  const inline = text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
  const defined = text.matchAll(/^ *\[[^\]]+\]: *<?([^\s>]+)/gm);
  const tags = text.matchAll(/<(?:a|img)\s[^>]*(?:href|src)="([^"]+)"/g);
  return [...inline, ...defined, ...tags]
    .map((match) => match[1] ?? "")
    .filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target));
}

/** What is wrong with a link; undefined where it leads somewhere. */
function wrongWith(page: string, target: string): string | undefined {
  const [file = "", anchor] = target.split("#", 2);
  const path = file === "" ? page : resolve(dirname(page), decodeURIComponent(file));
  if (relative(root, path).startsWith("..")) return "leaves the repository";
  if (!existsSync(path)) return "no such file";
  if (anchor === undefined || statSync(path).isDirectory() || !path.endsWith(".md")) return undefined;
  return anchorsOf(path).has(decodeURIComponent(anchor)) ? undefined : "no such heading";
}

test("every link of the documentation leads somewhere", () => {
  let links = 0;
  const broken: string[] = [];
  for (const page of pages) {
    for (const target of targetsOf(root + page)) {
      links++;
      const wrong = wrongWith(root + page, target);
      if (wrong !== undefined) broken.push(`${page}: ${target}: ${wrong}`);
    }
  }
  assert.ok(links > 40, `only ${links} links were found`);
  assert.deepEqual(broken, []);
});

test("a link to a file or a heading that is not there is found", () => {
  const page = `${root}docs/admin.md`;
  assert.equal(wrongWith(page, "api.md"), undefined);
  assert.equal(wrongWith(page, "#webhooks"), undefined);
  assert.equal(wrongWith(page, "api.md#asynchronous-generations"), undefined);
  assert.equal(wrongWith(page, "nowhere.md"), "no such file");
  assert.equal(wrongWith(page, "api.md#nowhere"), "no such heading");
  assert.equal(wrongWith(page, "../../../etc/passwd"), "leaves the repository");
});
