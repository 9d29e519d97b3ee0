import type { Page } from "playwright-core";

/** Puts pictures into the gallery's database of this page, number 1 the oldest. */
export async function addPictures(page: Page, count: number): Promise<void> {
  await page.evaluate(async (total) => {
    const canvas = new OffscreenCanvas(64, 64);
    const context = canvas.getContext("2d");
    const blobs = await Promise.all(
      Array.from({ length: 12 }, (_, i) => {
        if (context) context.fillStyle = `hsl(${i * 30} 70% 55%)`;
        context?.fillRect(0, 0, 64, 64);
        return canvas.convertToBlob({ type: "image/png" });
      }),
    );
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("atoma", 1);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const transaction = database.transaction(["pictures", "files", "thumbnails"], "readwrite");
    for (let i = 1; i <= total; i++) {
      const id = `${String(i).padStart(9, "0")}-test`;
      const blob = blobs[i % blobs.length];
      transaction.objectStore("files").put(blob, id);
      transaction.objectStore("thumbnails").put(blob, id);
      transaction.objectStore("pictures").put({
        id,
        createdAt: 1_700_000_000_000 + i,
        prompt: `picture number ${i}${i === 777 ? " with a lucky clover" : ""}`,
        negativePrompt: "",
        model: "atoma-tiny",
        size: "64x64",
        seed: i,
        steps: 16,
        guidanceScale: 3,
        scheduler: "",
        format: "png",
        units: 4096,
        favourite: false,
        edited: false,
      });
    }
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = reject;
    });
    database.close();
  }, count);
}
