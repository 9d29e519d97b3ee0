import type { OutputFormat } from "@atoma/contract";

/** What is known of a picture in the gallery; its file and its thumbnail lie apart. */
export interface Picture {
  /** Sorts by time of making. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly model: string;
  /** `WIDTHxHEIGHT` */
  readonly size: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
  /** "" for the model's own. */
  readonly scheduler: string;
  readonly format: OutputFormat;
  /** Compute units that it cost. */
  readonly units: number;
  readonly favourite: boolean;
  /** Whether it was made from another picture. */
  readonly edited: boolean;
}

/** Whether each word of the search stands in the prompt, upper or lower case. */
export function matches({ prompt }: Picture, search: string): boolean {
  const text = prompt.toLocaleLowerCase();
  return search
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** A file's name: the beginning of the prompt, and the seed. */
export function fileName({ prompt, seed, format }: Picture): string {
  const words = prompt
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 48);
  return `${words || "picture"}-${seed}.${format === "jpeg" ? "jpg" : format}`;
}
