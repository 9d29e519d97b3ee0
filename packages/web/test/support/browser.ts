import assert from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** How long an element may take to come on a busy machine; nothing is measured by it. */
const PATIENCE_MS = 60_000;

/** A visitor: a browser profile of its own, with one page, and all that went wrong in it. */
export interface Visitor extends AsyncDisposable {
  readonly page: Page;
  /** Violations of the policy, errors on the console, exceptions, requests to other origins. */
  readonly problems: string[];
  /** Fails when there were any; forgets those that the pattern names as expected. */
  noProblems(expected?: RegExp): void;
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
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
}

/** Opens a fresh profile. `origin` is the only one that the page may ask for anything. */
export async function visit(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: origin,
    locale: "en-GB",
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:" && url.protocol !== "blob:")
      problems.push(`asked ${url.origin}`);
  });
  return {
    page,
    problems,
    noProblems(expected) {
      assert.deepEqual(
        problems.filter((problem) => !expected?.test(problem)),
        [],
      );
    },
    [Symbol.asyncDispose]: () => context.close(),
  };
}
