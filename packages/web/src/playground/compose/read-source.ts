import type { Source } from "../draft.ts";

/** Longest side of a picture that is sent, pixels: well within what the API takes. */
const MAX_SIDE = 2048;

/**
 * A picture that was chosen, upright and as PNG, without what cameras write into their files. Rejects with a DOMException when
 * the browser cannot decode it.
 */
export async function readSource(file: Blob): Promise<Source> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return { image: await canvas.convertToBlob({ type: "image/png" }), width, height, mask: undefined };
}
