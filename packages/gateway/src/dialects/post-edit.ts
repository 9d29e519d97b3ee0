import { type EditJob, MEDIA_TYPES } from "@atoma/contract";
import type { NodeRequest } from "./dialect.ts";
import { type FormField, formBody } from "./form-body.ts";

/** What a server calls the parts that are files. */
export interface FileNames {
  readonly image: string;
  readonly mask: string;
}

/** An edit as a form: the texts that are defined, anything but text as JSON, and then the pictures. */
export function postEdit(
  job: EditJob,
  texts: Readonly<Record<string, unknown>>,
  { image, mask }: FileNames = { image: "image[]", mask: "mask" },
): NodeRequest {
  const fields: FormField[] = Object.entries(texts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
  const files = job.images.map((picture) => ({ name: image, ...picture }));
  const masks = job.mask ? [{ name: mask, ...job.mask }] : [];
  for (const { name, bytes, format } of [...files, ...masks]) {
    fields.push({ name, value: bytes, mediaType: MEDIA_TYPES[format] });
  }
  const { contentType, body } = formBody(fields);
  return { path: "/v1/images/edits", headers: { "content-type": contentType, accept: "application/json" }, body };
}
