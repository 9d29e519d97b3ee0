import assert from "node:assert/strict";
import { after, test } from "node:test";
import { launchBrowser, visit } from "./support/browser.ts";
import { startSystem } from "./support/system.ts";

const up = await startSystem();
const browser = await launchBrowser();
after(async () => {
  await browser.close();
  await up[Symbol.asyncDispose]();
});

/** Everything that a page can read of what this origin keeps. */
const kept = () =>
  JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie, history.state]);

test("the printed link signs in once and leaves nothing secret behind", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await page.goto(up.signInLink);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  assert.equal(page.url(), `${up.url}/`);
  const token = new URL(up.signInLink).hash.split("=")[1] ?? "";
  const everything = await page.evaluate(kept);
  assert.ok(token !== "" && !everything.includes(token) && !everything.includes(up.apiKey));
  const cookies = await page.context().cookies();
  assert.deepEqual(
    cookies.map(({ httpOnly, sameSite, value }) => [httpOnly, sameSite, value.includes(up.apiKey)]),
    [[true, "Strict", false]],
  );
  await page.reload();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  visitor.noProblems(/401/);

  await page.goto(`${up.url}/#sign-in=${token}`);
  await page.reload();
  await page.getByText("This sign-in link does not work any more.").waitFor();
});

test("a wrong key is told in plain words; a right one opens the playground", async () => {
  await using visitor = await visit(browser, up.url, { locale: "de-DE" });
  const { page } = visitor;
  await page.goto("/");
  const key = page.getByLabel("API-Schlüssel");
  await key.fill(`${up.apiKey.slice(0, -3)}abc`);
  await page.keyboard.press("Enter");
  await page.getByText("Dieser Schlüssel stimmt nicht.").waitFor();
  await key.fill(up.apiKey);
  await page.getByRole("button", { name: "Anmelden" }).click();
  await page.getByRole("button", { name: "Abmelden" }).waitFor();
  assert.ok(!(await page.evaluate(kept)).includes(up.apiKey));
  assert.ok(!up.errors().includes(up.apiKey));
  visitor.noProblems(/401/);
});
