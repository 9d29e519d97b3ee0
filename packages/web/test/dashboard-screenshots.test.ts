import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ActivityCount, latencyClass, openLedger } from "@atoma/ledger";
import { launchBrowser, visit } from "./support/browser.ts";
import { startSystem } from "./support/system.ts";

// Makes a picture of every view of the dashboard: ATOMA_SCREENSHOTS=folder keeps them there. Without it fewer are made.
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
  desktop: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 2 },
} as const;
const VIEWS = ["", "accounts", "keys", "nodes", "usage", "requests", "books"] as const;
const HOUR_MS = 3_600_000;
const PICTURE_UNITS = 512 * 512;

/** Two teams with keys, and a week in which they drew: little at night, more by day, a bad hour. */
async function fillWeek(): Promise<void> {
  const ledger = await openLedger(`sqlite:${join(up.dataDir, "ledger.db")}`);
  try {
    const by = { actor: "atoma" };
    const counts: ActivityCount[] = [];
    for (const [name, key, model, weight] of [
      ["Shop", "product pictures", "atoma-tiny", 40],
      ["Research", "notebooks", "atoma-tiny", 14],
    ] as const) {
      const account = await ledger.createAccount({ name, ...by });
      await ledger.grant(account.id, 40_000_000_000, { reference: "2026", ...by });
      const { record } = await ledger.createKey({ accountId: account.id, name: key, ...by });
      for (let hour = 0; hour < 168; hour++) {
        const busy = Math.max(1, Math.round(weight * (1.1 + Math.sin((hour / 12) * Math.PI)) + ((hour * 7919) % 11)));
        const one = { hour: Date.now() - hour * HOUR_MS, accountId: account.id, keyId: record.id, model };
        const failed = hour === 5 ? Math.round(busy / 3) : 0;
        for (const [ms, share] of [
          [420, 0.6],
          [640, 0.3],
          [1900, 0.1],
        ] as const) {
          const requests = Math.round(busy * share);
          const done = { images: requests, units: requests * PICTURE_UNITS };
          counts.push({ ...one, outcome: "succeeded", latency: latencyClass(ms), requests, ...done });
        }
        counts.push({ ...one, outcome: "failed", latency: latencyClass(9000), requests: failed, images: 0, units: 0 });
        counts.push({ ...one, outcome: "refused", latency: 0, requests: hour % 4, images: 0, units: 0 });
      }
    }
    await ledger.activity.add(counts);
  } finally {
    await ledger.close();
  }
}

test("every view of the dashboard has its picture", async () => {
  await fillWeek();
  const admin = { authorization: `Bearer ${up.adminKey}`, "content-type": "application/json" };
  const node = { name: "gpu-2", url: "http://127.0.0.1:1" };
  await fetch(`${up.url}/admin/v1/nodes`, { method: "POST", headers: admin, body: JSON.stringify(node) });
  for (const [device, options] of Object.entries(DEVICES)) {
    for (const colorScheme of kept === undefined ? (["light"] as const) : (["light", "dark"] as const)) {
      await using visitor = await visit(browser, up.url, { ...options, colorScheme });
      const { page } = visitor;
      const shoot = (view: string) =>
        page.screenshot({ path: join(folder, `dashboard-${view}-${device}-${colorScheme}.png`) });
      await page.goto("/admin");
      await page.getByLabel("Admin key").waitFor();
      await shoot("sign-in");
      await page.getByLabel("Admin key").fill(up.adminKey);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      for (const view of VIEWS) {
        await page.goto(`/admin/${view}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        if (view === "" || view === "usage") await page.getByRole("img", { name: /^Requests over time/ }).waitFor();
        else if (view !== "requests") await page.getByRole("table").first().waitFor();
        await shoot(view === "" ? "overview" : view);
      }
      await page.goto("/admin/keys");
      await page.getByRole("button", { name: "New key" }).click();
      await page.getByRole("dialog").getByLabel("Name").waitFor();
      await shoot("new-key");
      visitor.noProblems(/401/);
    }
  }
});
