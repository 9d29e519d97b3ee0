import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { launchBrowser, visit } from "./support/browser.ts";
import { begin, draw, openStudio, promptOf, signInWith, tune } from "./support/studio.ts";
import { startSystem } from "./support/system.ts";

// Makes a picture of every view, for people to look at: ATOMA_SCREENSHOTS=folder keeps them there. Without it less is drawn.
const kept = process.env.ATOMA_SCREENSHOTS;
const folder = kept ?? (await mkdtemp(join(tmpdir(), "atoma-views-")));
if (kept !== undefined) await mkdir(kept, { recursive: true });
const up = await startSystem();
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await up[Symbol.asyncDispose]();
  if (kept === undefined) await rm(folder, { recursive: true });
});

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
} as const;
/** Seeds that the embedded model draws them well with. */
const PROMPTS = [
  ["an orange ring to the left of a blue diamond", 5],
  ["three green circles", 2],
  ["a large green triangle on an orange background", 8],
  ["a small brown house at the bottom on a blue background", 9],
  ["a purple moon in the top right corner on black", 7],
  ["a black cross on a yellow background", 6],
  ["a pink heart and a yellow star", 4],
  ["a red heart on a pink background", 3],
] as const;

async function drawAll(page: Page): Promise<void> {
  for (const [prompt, seed] of kept === undefined ? PROMPTS.slice(-2) : PROMPTS) {
    await page.getByRole("textbox", { name: "Seed" }).fill(String(seed));
    await draw(page, prompt);
  }
}

/** Layout shifts that no input caused, as browsers sum them up (Layout Instability, W3C). */
async function shift(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            // Of the type that is observed.
            const { value, hadRecentInput } = entry as unknown as { value: number; hadRecentInput: boolean };
            if (!hadRecentInput) sum += value;
          }
        }).observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
      }),
  );
}

for (const [device, options] of Object.entries(DEVICES)) {
  const both = ["light", "dark"] as const;
  for (const colorScheme of kept !== undefined ? both : device === "phone" ? both.slice(1) : both.slice(0, 1)) {
    test(`every view on a ${device}, ${colorScheme}`, async () => {
      await using visitor = await visit(browser, up.url, { ...options, colorScheme });
      const { page } = visitor;
      const shoot = async (view: string) => {
        // The controls beside the pictures are shown from their top.
        if (device === "desktop") await page.evaluate(() => document.querySelector("form > div")?.scrollTo(0, 0));
        await page.screenshot({ path: join(folder, `${view}-${device}-${colorScheme}.png`) });
      };
      await page.goto("/");
      await page.getByLabel("API key").waitFor();
      await shoot("sign-in");
      await signInWith(page, up.url, up.apiKey);
      await openStudio(page);
      assert.ok((await shift(page)) < 0.01, "nothing moves while the page appears");
      await shoot("empty");
      await drawAll(page);
      await page.getByRole("textbox", { name: "Seed" }).fill("11");
      await tune(page, "Steps", 60);
      await begin(page, "a yellow star above a blue house");
      await page.getByAltText(/^Unfinished/).waitFor();
      await shoot("drawing");
      await page.getByRole("button", { name: "Open: a yellow star above a blue house" }).waitFor();
      await shoot("done");
      await tune(page, "Steps", 16);
      await page.getByRole("slider", { name: "Pictures" }).fill("4");
      await draw(page, "a yellow star above a blue house");
      await shoot("four");
      await page.getByRole("button", { name: "Edit", exact: true }).first().click();
      const mask = page.getByRole("img", { name: /^Mask\./ });
      await mask.focus();
      for (const key of ["ArrowDown", "ArrowDown", " ", "ArrowRight", " ", "ArrowDown", " ", "ArrowLeft", " "])
        await page.keyboard.press(key);
      await promptOf(page).fill("a yellow star above a red house");
      await mask.scrollIntoViewIfNeeded();
      await shoot("edit");
      await page.getByRole("link", { name: "Gallery" }).click();
      const list = page.getByRole("list", { name: "Your pictures" });
      await list.getByRole("button", { name: /a red heart/ }).waitFor();
      await page.waitForFunction(() => [...document.images].every((image) => image.complete));
      await shoot("gallery");
      await list.getByRole("button", { name: /a pink heart/ }).click();
      await page.getByRole("dialog").getByRole("img").waitFor();
      await shoot("picture");
      await page.getByRole("dialog").getByRole("button", { name: "As code" }).click();
      await page.locator("pre").waitFor();
      await shoot("code");
      visitor.noProblems(/401/);
    });
  }
}
