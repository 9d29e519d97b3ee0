import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { atoma } from "@atoma/cli/test-support/up";
import { unzipSync } from "fflate";
import { assertAccessible } from "./support/axe.ts";
import { visit } from "./support/browser.ts";
import { addPictures } from "./support/many-pictures.ts";
import { startPlayground } from "./support/playground.ts";
import { assertNoOverflow, begin, colourAt, draw, pixelsOf, promptOf, tune } from "./support/studio.ts";

const playground = await startPlayground();
after(() => playground[Symbol.asyncDispose]());
const { up, browser, enter, posted, nodeLoad } = playground;

const UNITS = 512 * 512;

test("from the first visit to the first picture, which is seen to form", async () => {
  await using visitor = await visit(browser, up.url);
  const { page } = visitor;
  await page.goto(up.signInLink);
  await page.getByRole("heading", { name: "What shall we draw?" }).waitFor();
  const before = await posted();
  await tune(page, "Steps", 40);
  // Which previews come, by what they look like.
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const src = document.querySelector<HTMLImageElement>('img[alt^="Unfinished"]')?.src;
      if (src && src !== seen.at(-1)) seen.push(src);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await page.getByRole("region", { name: "Examples" }).getByRole("button", { name: "a cat on a meadow" }).click();
  await page.getByRole("button", { name: "Draw" }).click();
  await page.getByText(/^Step \d+ of 40$/).waitFor();
  await page
    .getByText(/ left$/)
    .last()
    .waitFor();
  await page.getByRole("button", { name: "Download" }).waitFor();
  const seen = await page.evaluate(() => (window as unknown as { seen: string[] }).seen);
  assert.ok(seen.length >= 2, `${seen.length} previews`);
  assert.equal(await posted(), before + UNITS);
  await page.reload();
  await page.getByRole("region", { name: "Before" }).getByRole("button", { name: "Open: a cat on a meadow" }).waitFor();
  visitor.noProblems(/401/);
});

test("four at a time; the same seed gives the same picture again; the card bounds the controls", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  const count = page.getByRole("slider", { name: "Pictures" });
  assert.equal(await count.getAttribute("max"), "10");
  await count.fill("4");
  await draw(page, "two red squares");
  const pictures = page.getByRole("button", { name: "Open: two red squares" });
  assert.equal(await pictures.count(), 4);
  await pictures.nth(1).click();
  const dialog = page.getByRole("dialog");
  const seed = await dialog.getByText("Seed").locator("+ dd").textContent();
  await dialog.getByRole("button", { name: "Use again" }).click();
  assert.equal(await page.getByRole("textbox", { name: "Seed" }).inputValue(), seed);
  assert.equal(await count.inputValue(), "1");
  const before = await pixelsOf(pictures.nth(1).locator("img"));
  await draw(page, "two red squares");
  assert.equal(await pixelsOf(pictures.first().locator("img")), before);
  visitor.noProblems();
});

test("cancelling frees the node and charges nothing", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  const before = await posted();
  await tune(page, "Steps", 80);
  await page.getByRole("slider", { name: "Pictures" }).fill("6");
  await begin(page, "a black cross");
  await page
    .getByText(/^Step \d+ of 80$/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Cancel all" }).click();
  await page.getByText("Cancelled. Nothing was charged.").nth(5).waitFor();
  const until = Date.now() + 20_000;
  for (let load = await nodeLoad(); load.running + load.queued > 0; load = await nodeLoad()) {
    assert.ok(Date.now() < until, "the node still works");
  }
  assert.equal(await posted(), before);
  visitor.noProblems();
});

test("an edit with a drawn mask changes what was painted and nothing else", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  await draw(page, "a large red circle in the center on a blue background");
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const mask = page.getByRole("img", { name: /^Mask\./ });
  await mask.scrollIntoViewIfNeeded();
  const box = (await mask.boundingBox()) ?? assert.fail("no mask");
  await page.getByRole("slider", { name: "Brush size" }).fill("60");
  const at = (x: number, y: number) => [box.x + (box.width * x) / 100, box.y + (box.height * y) / 100] as const;
  await mask.scrollIntoViewIfNeeded();
  await page.mouse.move(...at(35, 50));
  await page.mouse.down();
  await page.mouse.move(...at(65, 50), { steps: 4 });
  await page.mouse.up();
  await promptOf(page).fill("a large yellow circle in the center on a blue background");
  await page.getByRole("button", { name: "Draw over it" }).click();
  await page.getByRole("button", { name: "Open: a large yellow circle in the center on a blue background" }).click();
  const [red = 0, green = 0, blue = 0] = await colourAt(page, /^a large yellow circle/, 50, 50);
  assert.ok(red > 150 && green > 120 && blue < 120, `the centre is ${[red, green, blue]}`);
  const corner = await colourAt(page, /^a large yellow circle/, 3, 3);
  await page.keyboard.press("ArrowRight");
  await page.getByRole("dialog").getByText("a large red circle in the center on a blue background").waitFor();
  assert.deepEqual(await colourAt(page, /^a large red circle/, 3, 3), corner);
  visitor.noProblems();
});

test("a picture from a file is edited whole, and what is no picture is told", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  await page.getByRole("radio", { name: "A picture" }).check({ force: true });
  const input = page.locator('input[type="file"]');
  await input.setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("not a picture") });
  await page.getByText("This file is no picture that the browser can read.").waitFor();
  await page.getByRole("button", { name: "Draw over it" }).click();
  await page.getByText("Choose the picture to begin with first.").waitFor();
  const bytes = [...(await readFile("docs/images/examples.png"))];
  const dropped = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(content)], "dropped.png", { type: "image/png" }));
    return transfer;
  }, bytes);
  await page.getByText("or drop one here, or paste it").dispatchEvent("drop", { dataTransfer: dropped });
  await page.getByRole("img", { name: /^Mask\./ }).waitFor();
  await promptOf(page).fill("a green star");
  await page.getByRole("button", { name: "Draw over it" }).click();
  await page.getByRole("button", { name: "Open: a green star" }).waitFor();
  visitor.noProblems();
});

test("the gallery: 2,000 pictures survive a reload, and are searched, compared, exported, deleted and brought back", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  await addPictures(page, 2_000);
  await page.goto("/gallery");
  await page.getByText("2,000 pictures").waitFor();
  const list = page.getByRole("list", { name: "Your pictures" });
  await list.getByRole("button", { name: "Open: picture number 2000" }).waitFor();
  assert.ok((await list.getByRole("listitem").count()) < 200, "only tiles near the window exist");
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await list.getByRole("button", { name: "Open: picture number 1", exact: true }).waitFor();
  await page.getByRole("searchbox").fill("CLOVER lucky");
  await list.getByRole("button", { name: /clover$/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Favourite" }).click();
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").fill("");
  await page.getByRole("button", { name: "Favourites" }).click();
  await list.getByRole("button", { name: /^Open: picture number 777 / }).waitFor();
  assert.equal(await list.getByRole("listitem").count(), 1);
  await page.getByRole("button", { name: "Favourites" }).click();

  await page.getByRole("button", { name: "Select" }).click();
  for (const number of [2000, 1999]) await list.getByRole("button", { name: `picture number ${number}` }).click();
  await page.getByRole("button", { name: "Compare" }).click();
  const slider = page.getByRole("slider", { name: "How much of the left picture is seen" });
  await slider.focus();
  await page.keyboard.press("Home");
  assert.equal(await slider.inputValue(), "0");
  await page.keyboard.press("Escape");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export" }).click(),
  ]);
  const files = Object.keys(unzipSync(await readFile(await download.path())));
  assert.deepEqual(files, ["0001-picture-number-2000-2000.png", "0002-picture-number-1999-1999.png", "pictures.json"]);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("1,998 pictures").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("2,000 pictures").waitFor();
  await page.reload();
  await page.getByText("2,000 pictures").waitFor();
  visitor.noProblems();
});

test("without units the refusal is told in plain words, with the request's id, and what to do", async () => {
  const run = async (...args: string[]) => {
    const { code, out, err } = await atoma([...args, "--json", "--data", up.dataDir]);
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };
  const account = await run("accounts", "create", "poor");
  const { key, id } = await run("keys", "create", account.id, "k");
  await using visitor = await enter({}, key);
  const { page } = visitor;
  await page.getByText(/more than is left/).waitFor();
  await begin(page, "a star");
  const alert = page.getByRole("alert");
  await alert.getByText("Your compute units are used up.").waitFor();
  assert.match((await alert.textContent()) ?? "", /Request req_[0-9a-f]{32}/);
  await alert.getByRole("button", { name: "Try again" }).waitFor();
  visitor.noProblems(/402/);

  await run("keys", "revoke", id);
  await page.getByLabel("API key").or(alert).first().waitFor();
  await page.reload();
  await page.getByLabel("API key").waitFor();
});

test("a prompt with markup is text, wherever it is shown", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  const markup = `<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> a star & 'more'`;
  await draw(page, markup);
  await page.getByRole("button", { name: `Open: ${markup}` }).click();
  await page.getByRole("dialog").getByText(markup, { exact: true }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "As code" }).click();
  for (const language of ["curl", "TypeScript", "Python"]) {
    await page.getByRole("radio", { name: language }).check({ force: true });
    assert.match((await page.locator("pre").textContent()) ?? "", /onerror/);
  }
  await page.goto("/gallery");
  await page.getByRole("button", { name: `Open: ${markup}` }).waitFor();
  assert.equal(await page.evaluate(() => Reflect.get(window, "pwned")), undefined);
  assert.equal(await page.locator("main script, main img[src=x]").count(), 0);
  visitor.noProblems();
});

test("everything is done with the keyboard alone", async () => {
  await using visitor = await enter();
  const { page } = visitor;
  const focused = () => page.evaluate(() => document.activeElement?.textContent || document.activeElement?.tagName);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  for (let i = 0; i < 20 && (await focused()) !== "TEXTAREA"; i++) await page.keyboard.press("Tab");
  await page.keyboard.type("an orange ring");
  await page.keyboard.press("Control+Enter");
  const opener = page.getByRole("button", { name: "Open: an orange ring" });
  await opener.waitFor();
  for (let i = 0; i < 40 && !(await opener.evaluate((e) => e === document.activeElement)); i++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.ok(await opener.evaluate((e) => e === document.activeElement), "focus comes back");

  await page.getByRole("button", { name: "Edit", exact: true }).press("Enter");
  const mask = page.getByRole("img", { name: /^Mask\./ });
  await mask.focus();
  for (const key of ["ArrowLeft", "ArrowUp", " "]) await page.keyboard.press(key);
  await page.getByRole("button", { name: "Undo" }).and(page.locator(":enabled")).waitFor();
  const painted = await mask.evaluate((element) => {
    const canvas = element as HTMLCanvasElement; // it has the mask's role and name
    const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    return data.some((value, i) => i % 4 === 3 && value > 0);
  });
  assert.ok(painted, "space paints");
  visitor.noProblems();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious, and nothing is wider than 360 px (${colorScheme})`, async () => {
    await using visitor = await enter({ colorScheme, viewport: { width: 360, height: 740 }, hasTouch: true });
    const { page } = visitor;
    const check = async (view: string) => {
      await assertAccessible(page, `${view}, ${colorScheme}`);
      await assertNoOverflow(page, view);
    };
    await check("empty studio");
    await page.getByText("Fine tuning").click();
    await draw(page, "a small brown house at the bottom on a blue background");
    await check("studio with a picture");
    await page.getByRole("button", { name: /^Open: a small brown house/ }).click();
    await check("picture");
    await page.getByRole("dialog").getByRole("button", { name: "As code" }).click();
    await page.locator("pre").waitFor();
    await check("code");
    await page.goto("/gallery");
    await page.getByRole("button", { name: /^Open: a small brown house/ }).waitFor();
    await page.getByRole("button", { name: "Select" }).click();
    await check("gallery");
    await page.goto("/");
    await page.getByRole("radio", { name: "A picture" }).check({ force: true });
    await page.locator('input[type="file"]').setInputFiles("docs/images/examples.png");
    await page.getByRole("img", { name: /^Mask\./ }).waitFor();
    await check("edit");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key").waitFor();
    await check("sign-in");
    visitor.noProblems(/401/);
  });
}
