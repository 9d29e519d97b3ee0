import { randomId } from "../../shared/random.ts";
import type { Drawn, Order } from "../draw/draw-picture.ts";
import type { Gallery } from "./gallery.ts";
import { thumbnailOf } from "./make-thumbnail.ts";
import type { Picture } from "./picture.ts";

/** Time first, so that ids sort by it. */
const newId = (now: number) => `${now.toString(36).padStart(9, "0")}-${randomId().slice(0, 8)}`;

/** What the gallery knows of a picture that was just made. */
export function describePicture(order: Order, drawn: Drawn, units: number, now: number): Picture {
  const { prompt, negativePrompt, model, size, steps, guidanceScale, scheduler, format, source } = order;
  return {
    ...{ prompt, negativePrompt, model, size, steps, guidanceScale, scheduler, format, units },
    id: newId(now),
    createdAt: now,
    seed: drawn.seed,
    favourite: false,
    edited: source !== undefined,
  };
}

/** Puts a picture into the gallery. Rejects when the browser keeps nothing, or has no room. */
export async function keepPicture(gallery: Gallery, picture: Picture, file: Blob): Promise<void> {
  await gallery.add([{ picture, file, thumbnail: await thumbnailOf(file) }]);
  // Asks the browser not to throw pictures away when its disk is full.
  void navigator.storage?.persist?.();
}
