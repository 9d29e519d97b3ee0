import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";

/** Signs a browser in with a key, without the form. */
export async function signInWith(page: Page, origin: string, apiKey: string): Promise<void> {
  const answer = await page.context().request.post(`${origin}/session`, {
    data: { api_key: apiKey },
    headers: { origin },
  });
  assert.equal(answer.status(), 204);
}

export const promptOf = (page: Page) => page.getByRole("textbox", { name: "Prompt" });

export async function openStudio(page: Page): Promise<void> {
  await page.goto("/");
  await promptOf(page).waitFor();
}

/** Sets a slider of the fine tuning. */
export async function tune(page: Page, name: string, value: number): Promise<void> {
  const slider = page.getByRole("slider", { name });
  if (!(await slider.isVisible())) await page.getByText("Fine tuning").click();
  await slider.fill(String(value));
}

/** Asks for pictures and does not wait for them. */
export async function begin(page: Page, prompt: string): Promise<void> {
  await promptOf(page).fill(prompt);
  await page.getByRole("button", { name: /^Draw/ }).click();
}

/** Asks for pictures and waits until all are there. */
export async function draw(page: Page, prompt: string): Promise<void> {
  await begin(page, prompt);
  const stage = page.getByRole("region", { name: "Pictures", exact: true });
  await stage
    .getByRole("status")
    .filter({ hasText: `Done: ${prompt}` })
    .waitFor({ state: "attached" });
}

/** The colour of a picture on the page, at a place in hundredths of its sides: red, green, blue. */
export async function colourAt(page: Page, alt: string | RegExp, x: number, y: number): Promise<number[]> {
  const picture = page.getByAltText(alt).last();
  return picture.evaluate(
    async (element, [atX, atY]) => {
      const image = element as HTMLImageElement; // found by its alt text
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const context = canvas.getContext("2d");
      context?.drawImage(image, 0, 0);
      const left = Math.floor((atX * image.naturalWidth) / 100);
      const top = Math.floor((atY * image.naturalHeight) / 100);
      return [...(context?.getImageData(left, top, 1, 1).data ?? [])].slice(0, 3);
    },
    [x, y] as const,
  );
}

/** All pixels of a picture on the page, as text to compare. */
export function pixelsOf(picture: Locator): Promise<string> {
  return picture.evaluate(async (element) => {
    const image = element as HTMLImageElement; // the caller found an <img>
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d");
    context?.drawImage(image, 0, 0);
    const { data } = context?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: new Uint8ClampedArray() };
    return [...new Uint8Array(await crypto.subtle.digest("SHA-256", data))].join();
  });
}

/** Fails where the page is wider than its window. */
export async function assertNoOverflow(page: Page, view: string): Promise<void> {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth] as const);
  assert.ok(content <= window, `${view}: ${content} px in a window of ${window}`);
}
