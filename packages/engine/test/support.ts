import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type GeneratedImage,
  type GenerationEvent,
  type ImageJob,
  type ModelCard,
  parseImageRequest,
} from "@atoma/contract";

export const TINY = join(import.meta.dirname, "../../../models/tiny");

/** A request to the tiny model as the contract validates it; small and quick unless the body says otherwise. */
export function jobFor(card: ModelCard, body: Readonly<Record<string, unknown>> = {}): ImageJob {
  const quick = { model: card.id, prompt: "a red circle on a blue background", size: "256x256", steps: 2 };
  return parseImageRequest({ ...quick, ...body }, { findModel: () => card });
}

export async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function imagesOf(events: readonly GenerationEvent[]): GeneratedImage[] {
  return events.filter((event) => event.type === "image");
}

/** A folder that is gone when the `using` block ends. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "atoma-engine-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A copy of the tiny model without its training recipe, to break. */
export function copyOfTiny(folder: string): void {
  cpSync(TINY, folder, { recursive: true, filter: (source) => !source.includes("training") });
}

/** Changes one JSON file. */
export function editJson(file: string, edit: (value: Record<string, unknown>) => void): void {
  // The files edited here are JSON objects.
  const value = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  edit(value);
  writeFileSync(file, JSON.stringify(value));
}

/** Bytes that look random and are the same each time (Marsaglia's xorshift). */
export function randomBytes(count: number, seed: number): Buffer {
  let state = seed * 2_654_435_761 + 1;
  return Buffer.from(
    Array.from({ length: count }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 255;
    }),
  );
}
