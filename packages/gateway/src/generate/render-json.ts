import { errors } from "@atoma/contract";
import type { FileStore } from "../files/file-store.ts";
import type { Answer, AnswerItem } from "./answer.ts";
import { type Part, type PicturePart, type RenderedBody, rendered } from "./rendered-body.ts";

export async function pictureOf(item: AnswerItem, files: FileStore): Promise<PicturePart> {
  const { picture } = item;
  if (picture) return { size: picture.size, source: picture };
  const stored = item.file === undefined ? undefined : await files.get(item.file);
  if (!stored) throw errors.fileExpired();
  const { size } = stored;
  return { size, source: { bytes: undefined, open: (from) => stored.open({ start: from, end: size - 1 }) } };
}

export function fileUrl(origin: string, file: string): string {
  return `${origin}/v1/images/files/${file}`;
}

/**
 * The body of `CreateImageResponse`. `origin` is that of the URLs, as the client called it: `https://host`. Throws ApiError 410
 * when a replayed picture has expired.
 */
export async function renderJson(answer: Answer, files: FileStore, origin: string): Promise<RenderedBody> {
  const head = {
    created: answer.created,
    background: answer.background,
    output_format: answer.outputFormat,
    quality: answer.quality,
    size: answer.size,
    usage: answer.usage,
    notes: answer.notes,
  };
  const parts: Part[] = [`${JSON.stringify(head).slice(0, -1)},"data":[`];
  for (const [i, item] of answer.items.entries()) {
    const fields: Record<string, unknown> = {};
    if (answer.responseFormat !== "b64_json" && item.file !== undefined) fields.url = fileUrl(origin, item.file);
    if (item.seed !== undefined) fields.seed = item.seed;
    const rest = JSON.stringify(fields).slice(1);
    if (i > 0) parts.push(",");
    if (answer.responseFormat === "url") {
      parts.push(`{${rest}`);
    } else {
      parts.push('{"b64_json":"', await pictureOf(item, files), rest === "}" ? '"}' : `",${rest}`);
    }
  }
  parts.push("]}");
  return rendered(parts);
}
