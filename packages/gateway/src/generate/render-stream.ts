import { usageOfPicture } from "@atoma/contract";
import type { FileStore } from "../files/file-store.ts";
import type { Answer } from "./answer.ts";
import { pictureOf } from "./render-json.ts";
import { type PicturePart, type RenderedBody, rendered } from "./rendered-body.ts";

/** What every picture event of a stream says beside the picture. */
function eventFields(answer: Omit<Answer, "items">) {
  return {
    created_at: answer.created,
    size: answer.size,
    quality: answer.quality,
    background: answer.background,
    output_format: answer.outputFormat,
  };
}

function event(type: string, fields: object, picture?: PicturePart): RenderedBody {
  const json = JSON.stringify({ type, ...fields });
  const head = `event: ${type}\ndata: `;
  if (picture === undefined) return rendered([`${head}${json}\n\n`]);
  return rendered([`${head}${json.slice(0, -1)},"b64_json":"`, picture, '"}\n\n']);
}

const NO_USAGE = {
  total_tokens: 0,
  input_tokens: 0,
  output_tokens: 0,
  input_tokens_details: { text_tokens: 0, image_tokens: 0 },
};

const inMemory = (bytes: Uint8Array) => ({
  bytes,
  open: () => Promise.reject(new Error("a preview has no file")),
});

export function renderPartial(answer: Omit<Answer, "items">, index: number, bytes: Uint8Array): RenderedBody {
  const fields = { partial_image_index: index, ...eventFields(answer) };
  return event(`${answer.operation}.partial_image`, fields, { size: bytes.length, source: inMemory(bytes) });
}

export function renderProgress(
  operation: Answer["operation"],
  step: number,
  steps: number,
  createdAt: number,
): RenderedBody {
  return event(`${operation}.progress`, { step, steps, created_at: createdAt });
}

/** One `completed` event for each picture, with its share of the usage. */
export async function renderCompleted(answer: Answer, index: number, files: FileStore): Promise<RenderedBody> {
  const { items, usage, notes } = answer;
  const item = items[index];
  if (!item) throw new RangeError(`there is no picture ${index}`);
  const share = usage ? usageOfPicture(usage, items.length, index) : NO_USAGE;
  const fields = { ...eventFields(answer), seed: item.seed, usage: share, notes };
  return event(`${answer.operation}.completed`, fields, await pictureOf(item, files));
}
