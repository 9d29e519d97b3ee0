import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { chromium, type Page } from "playwright-core";

export interface Tab {
  readonly page: Page;
  /** Errors that nothing on the page caught. */
  readonly problems: string[];
}

/** A page in a Chromium of its own, which is closed when the test ends. */
export async function openTab(t: TestContext): Promise<Tab> {
  const profile = mkdtempSync(join(tmpdir(), "atoma-sdk-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  return { page, problems };
}
