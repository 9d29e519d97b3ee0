import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { assertAccessible } from "./support/axe.ts";
import { launchBrowser, visit } from "./support/browser.ts";
import { startSystem } from "./support/system.ts";

const up = await startSystem();
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await up[Symbol.asyncDispose]();
});

const HOSTILE = "<img src=x onerror=alert(1)>";
const VIEWS = ["Overview", "Accounts", "Keys", "Nodes", "Usage", "Requests", "Books"] as const;

/** Signs a browser in with the admin key, without the form. */
async function signInAdmin(page: Page): Promise<void> {
  const answer = await page.context().request.post(`${up.url}/admin/session`, {
    data: { admin_key: up.adminKey },
    headers: { origin: up.url },
  });
  assert.equal(answer.status(), 204);
}

async function open(page: Page, view: (typeof VIEWS)[number]): Promise<void> {
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
}

const dialog = (page: Page) => page.getByRole("dialog");
const rowOf = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

const draw = (key: string, body: object = {}) =>
  fetch(`${up.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red circle", size: "256x256", steps: 2, ...body }),
  });

test("a wrong admin key is told in plain words; the right one opens the dashboard and is kept nowhere", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await page.goto("/admin");
  const key = page.getByLabel("Admin key");
  await key.fill(`${up.adminKey}x`);
  await page.keyboard.press("Enter");
  await page.getByText("This is not the admin key.").waitFor();
  await assertAccessible(page, "sign-in");
  await key.fill(up.adminKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const kept = await page.evaluate(() =>
    JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie]),
  );
  assert.ok(!kept.includes(up.adminKey));
  visitor.noProblems(/401/);
});

test("an account gets units and a key; the key draws; the figures, the hold and the audit log show it", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInAdmin(page);
  await page.goto("/admin/accounts");
  await page.getByRole("button", { name: "New account" }).click();
  await dialog(page).getByLabel("Name").fill(HOSTILE);
  await dialog(page).getByRole("button", { name: "New account" }).click();
  const account = rowOf(page, HOSTILE);
  await account.getByRole("button", { name: "Grant units" }).click();
  await dialog(page).getByLabel("Compute units").fill("1000000");
  await dialog(page).getByLabel("Reference").fill("invoice 1");
  await dialog(page).getByRole("button", { name: "Grant units" }).click();
  await page.getByText("The units were granted.").waitFor();
  await account.getByText("1,000,000").waitFor();

  await open(page, "Keys");
  await page.getByRole("button", { name: "New key" }).click();
  await dialog(page).getByLabel("Account").selectOption({ label: HOSTILE });
  await dialog(page).getByLabel("Name").fill("shop");
  await dialog(page).getByLabel("Requests a minute").fill("2");
  await dialog(page).getByRole("button", { name: "New key" }).click();
  await page.getByRole("heading", { name: "The key “shop”" }).waitFor();
  const key = await dialog(page).locator("code").innerText();
  assert.match(key, /^sk-atoma-/);
  await page.keyboard.press("Escape");
  await rowOf(page, "shop").getByText("2 requests a minute").waitFor();
  assert.ok(!(await page.content()).includes(key), "a key is shown once");

  assert.equal((await draw(key)).status, 200);
  assert.equal((await draw(key, { steps: 100_000 })).status, 400);
  await open(page, "Usage");
  await page.getByRole("radio", { name: "Key" }).check();
  const used = rowOf(page, "shop").filter({ hasText: "65,536" });
  await used.waitFor();
  await page.getByRole("button", { name: "What is “Failed”?" }).first().click();
  await page.getByText("Nothing was charged.").waitFor();
  await page.keyboard.press("Escape");

  await open(page, "Books");
  await rowOf(page, "shop").filter({ hasText: "charged" }).first().waitFor();
  await rowOf(page, "grant").first().waitFor();
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText("The books are right.").waitFor();

  await open(page, "Keys");
  await rowOf(page, "shop").getByRole("button", { name: "Disable" }).click();
  await rowOf(page, "shop").getByText("disabled", { exact: true }).waitFor();
  await rowOf(page, "shop").getByRole("button", { name: "Enable" }).click();
  await rowOf(page, "shop").getByText("active", { exact: true }).waitFor();
  await rowOf(page, "shop").getByRole("button", { name: "Edit" }).click();
  await dialog(page).getByLabel("Models").fill("atoma-tiny");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await rowOf(page, "shop").getByText("atoma-tiny").waitFor();
  await rowOf(page, "shop").getByRole("button", { name: "Revoke" }).click();
  await dialog(page).getByRole("button", { name: "Revoke" }).click();
  await rowOf(page, "shop").getByText("revoked", { exact: true }).waitFor();
  visitor.noProblems();
});

test("nodes: draining and back, one that joins, one that cannot be reached, and its removal", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInAdmin(page);
  await page.goto("/admin/nodes");
  const embedded = rowOf(page, "atoma-tiny");
  await embedded.getByRole("button", { name: "Drain" }).click();
  await embedded.getByText("draining", { exact: true }).waitFor();
  await embedded.getByRole("button", { name: "Resume" }).click();
  await embedded.getByText("ready", { exact: true }).waitFor();

  const add = page.getByRole("button", { name: "Add a node" });
  await add.first().click();
  await dialog(page).getByLabel("Name").fill("away");
  await dialog(page).getByRole("textbox", { name: "Address" }).fill("http://127.0.0.1:1");
  await dialog(page).getByRole("button", { name: "Add a node" }).click();
  await rowOf(page, "127.0.0.1:1").getByText("away", { exact: true }).nth(1).waitFor();

  await add.first().click();
  await dialog(page).getByRole("radio", { name: "It joins by itself" }).check();
  await dialog(page).getByLabel("Name").fill("joiner");
  await dialog(page).getByRole("button", { name: "Add a node" }).click();
  await page.getByText(/^atoma-join-[0-9a-f]{64}$/).waitFor();
  await dialog(page).getByRole("button", { name: "Close" }).click();
  await rowOf(page, "joiner").getByText("expected").waitFor();

  for (const name of ["away", "joiner"]) {
    await rowOf(page, name).getByRole("button", { name: "Remove" }).click();
    await dialog(page).getByRole("button", { name: "Remove" }).click();
    await rowOf(page, name).waitFor({ state: "detached" });
  }
  await page.goto("/admin/accounts");
  await page.getByRole("button", { name: "New account" }).click();
  await dialog(page).getByLabel("Name").fill("x".repeat(300));
  await dialog(page).getByRole("button", { name: "New account" }).click();
  // The server's own words, and its request.
  await dialog(page)
    .getByRole("alert")
    .getByText(/^Request req_/)
    .waitFor();
  visitor.noProblems(/400/);
});

test("a request is seen while it runs, with its node", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInAdmin(page);
  await page.goto("/admin/requests");
  await page.getByText("Nothing is being drawn.").waitFor();
  const leave = new AbortController();
  const running = fetch(`${up.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${up.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red circle", size: "1024x1024", steps: 100, n: 10 }),
    signal: leave.signal,
  }).catch(() => undefined);
  await rowOf(page, "10 × 1024×1024").waitFor();
  leave.abort();
  await running;
  await page.getByText("Nothing is being drawn.").waitFor();
  visitor.noProblems();
});

test("a session that was ended elsewhere leads back to the sign-in", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInAdmin(page);
  await page.goto("/admin/nodes");
  await page.getByRole("heading", { name: "Nodes" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByLabel("Admin key").waitFor();
  visitor.noProblems(/401/);
});

test("every view has nothing serious for axe, in both colours, and fits 360 px", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await signInAdmin(page);
  await page.goto("/admin");
  for (const colours of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: colours, reducedMotion: "reduce" });
    for (const view of VIEWS) {
      await open(page, view);
      await assertAccessible(page, `${view}, ${colours}`);
    }
  }
  await page.setViewportSize({ width: 360, height: 740 });
  for (const view of VIEWS) {
    await open(page, view);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), view);
  }
  visitor.noProblems();
});
