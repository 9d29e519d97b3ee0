import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld({ adminKey: "sk-atoma-admin-test", modelAliases: { "atoma-tiny": "scripted" } });
after(() => world[Symbol.asyncDispose]());
const { url } = world.gateway;

test("the page and what it needs are served, under a strict policy, and may be cached", async () => {
  const page = await fetch(`${url}/docs`);
  assert.deepEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const html = await page.text();
  assert.doesNotMatch(html, /https?:|<script>|style=/);
  const needed = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => new URL(match[1] ?? "", `${url}/docs`));
  assert.equal(needed.length, 4);
  for (const address of needed) {
    const asset = await fetch(address);
    assert.equal(asset.status, 200, address.pathname);
    assert.match(asset.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self';/);
    assert.equal(asset.headers.get("cache-control"), "public, max-age=3600");
    assert.ok((await asset.arrayBuffer()).byteLength > 100);
    const again = await fetch(address, { headers: { "if-none-match": asset.headers.get("etag") ?? "" } });
    assert.equal(again.status, 304);
  }
});

test("nothing else lies under /docs, and it takes no other methods", async () => {
  for (const path of ["/docs/package.json", "/docs/..%2fpackage.json", "/docs/__proto__", "/docs/"]) {
    const { status, json } = await world.get(path);
    assert.deepEqual([status, json.error.type], [404, "invalid_request_error"], path);
  }
  assert.equal((await fetch(`${url}/docs`, { method: "POST" })).status, 405);
});

test("a browser shows the operations, tries one as it is offered, and asks no other origin for anything", async () => {
  const profile = await mkdtemp(join(tmpdir(), "atoma-docs-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const page = await context.newPage();
    const asked: string[] = [];
    const problems: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    await page.goto(`${url}/docs`);
    for (const summary of ["Make pictures from a prompt", "Make pictures from pictures and a prompt"]) {
      await page.getByText(summary, { exact: true }).waitFor({ state: "visible", timeout: 20_000 });
    }
    await page.getByText("Make pictures from a prompt", { exact: true }).click();
    await page.getByRole("button", { name: "Try it out" }).click({ timeout: 20_000 });
    await page.getByRole("button", { name: "Authorize" }).click();
    await page.locator(".auth-container input").fill(world.key);
    await page.locator(".auth-container button.authorize").click();
    await page.locator(".btn-done").click();
    await page.getByRole("button", { name: "Execute" }).click();
    await page.locator(".live-responses-table").getByText('"url"').waitFor({ state: "visible", timeout: 20_000 });
    if (process.env.ATOMA_DOCS_SCREENSHOT) await page.screenshot({ path: process.env.ATOMA_DOCS_SCREENSHOT });
    assert.ok(asked.some((address) => address === `${url}/openapi.json`));
    await page.goto(`${url}/admin/v1/docs`);
    await page.getByText("Make an account", { exact: true }).waitFor({ state: "visible", timeout: 20_000 });
    assert.ok(asked.some((address) => address === `${url}/admin/v1/openapi.json`));
    assert.deepEqual(
      asked.filter((address) => !address.startsWith(`${url}/`) && !address.startsWith("data:")),
      [],
    );
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
});
