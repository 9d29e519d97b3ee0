import { readFile } from "node:fs/promises";
import type { Up } from "@atoma/cli/test-support/up";
import type { Browser } from "playwright-core";
import { launchBrowser, type Visitor, visit } from "./browser.ts";
import { openStudio, signInWith } from "./studio.ts";
import { startSystem } from "./system.ts";

type VisitOptions = Parameters<typeof visit>[2];

/** A running system, and a browser to visit it with. */
export interface Playground extends AsyncDisposable {
  readonly up: Up;
  readonly browser: Browser;
  /** A visitor in the studio, signed in with this key or that of the first account. */
  enter(options?: VisitOptions, apiKey?: string): Promise<Visitor>;
  /** Compute units that the first account was charged so far. */
  posted(): Promise<number>;
  /** What the embedded node does. */
  nodeLoad(): Promise<{ readonly running: number; readonly queued: number }>;
}

export async function startPlayground(): Promise<Playground> {
  const up = await startSystem();
  const browser = await launchBrowser();
  const ask = async (url: string, key: string): Promise<unknown> =>
    (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).json();
  return {
    up,
    browser,
    async enter(options = {}, apiKey = up.apiKey) {
      const visitor = await visit(browser, up.url, options);
      await signInWith(visitor.page, up.url, apiKey);
      await openStudio(visitor.page);
      return visitor;
    },
    // As openapi.json says.
    posted: async () => ((await ask(`${up.url}/v1/account`, up.apiKey)) as { posted: number }).posted,
    async nodeLoad() {
      const { nodeToken } = JSON.parse(await readFile(`${up.dataDir}/credentials.json`, "utf8"));
      // As docs/node.md says.
      return (await ask(`${up.node.url}/v1/load`, nodeToken)) as { running: number; queued: number };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await up[Symbol.asyncDispose]();
    },
  };
}
