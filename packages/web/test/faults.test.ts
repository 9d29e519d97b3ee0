import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { startUp, type Up } from "@atoma/cli/test-support/up";
import { launchBrowser, visit } from "./support/browser.ts";
import { begin, openStudio, signInWith, tune } from "./support/studio.ts";
import { startSystem } from "./support/system.ts";

let up: Up = await startSystem();
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await up[Symbol.asyncDispose]();
});

const UNITS = 512 * 512;

test("the model's process is killed in mid-picture: plain words, nothing charged, and trying again works", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInWith(page, up.url, up.apiKey);
  await openStudio(page);
  await tune(page, "Steps", 60);
  await begin(page, "a red circle");
  await page.getByText(/^Step \d+ of 60$/).waitFor();
  const [model] = execFileSync("pgrep", ["-P", String(up.pid)], { encoding: "utf8" })
    .trim()
    .split("\n");
  process.kill(Number(model), "SIGKILL");
  const alert = page.getByRole("alert");
  await alert.getByText("The node that drew it failed.").waitFor();
  assert.match((await alert.textContent()) ?? "", /Nothing was charged/);
  await alert.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Open: a red circle" }).waitFor();
  visitor.noProblems(/50[03]/);
});

test("the gateway is killed and started again in mid-picture: the page goes on by itself, and pays once", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInWith(page, up.url, up.apiKey);
  await openStudio(page);
  const headers = { authorization: `Bearer ${up.apiKey}` };
  const posted = async () => {
    const answer = await fetch(`${up.url}/v1/account`, { headers });
    return ((await answer.json()) as { posted: number }).posted;
  };
  const before = await posted();
  await tune(page, "Steps", 60);
  await begin(page, "a green star");
  await page.getByText(/^Step \d+ of 60$/).waitFor();
  process.kill(up.pid, "SIGKILL");
  await page.getByText("The connection is lost. It goes on by itself.").waitFor();
  up = await startUp(up.dataDir, "--port", new URL(up.url).port);
  await page.getByRole("button", { name: "Open: a green star" }).waitFor();
  assert.equal(await posted(), before + UNITS);
  visitor.noProblems(/ERR_|Failed to load|50\d/);
});
