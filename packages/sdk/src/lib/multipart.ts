import type { ImageInput } from "../models/components/editimagerequest.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Bytes } from "../types/bytes.ts";
import { encodeBase64 } from "./base64.ts";
import { sniffMediaType } from "./media-type.ts";

/**
 * Encodes a form once, so that every attempt sends the same bytes.
 * @param fields what has no text form of its own goes as JSON; null is left out
 * @param files a part for each, in order
 */
export async function encodeForm(
  fields: Record<string, unknown>,
  files: readonly (readonly [name: string, image: ImageInput])[],
): Promise<{ body: Bytes; contentType: string }> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null) continue;
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  for (const [name, image] of files) {
    const { blob, fileName } = await typedImage(image);
    form.append(name, blob, fileName);
  }
  const encoded = new Response(form);
  const contentType = encoded.headers.get("content-type") ?? "";
  return { body: new Uint8Array(await encoded.arrayBuffer()), contentType };
}

/** Servers refuse pictures that come as application/octet-stream, and some go by the file name. */
async function typedImage(image: ImageInput): Promise<{ blob: Blob; fileName: string }> {
  const given = image instanceof Blob ? image : undefined;
  const bytes = image instanceof Blob ? new Uint8Array(await image.slice(0, 12).arrayBuffer()) : asBytes(image);
  const known = given?.type === "application/octet-stream" ? "" : given?.type;
  const type = known || sniffMediaType(encodeBase64(bytes.subarray(0, 12)));
  if (!type)
    throw new SDKValidationError("Input", "an image is in no known format; give a Blob with a type", undefined);
  const name = given && "name" in given ? String(given.name) : "";
  const fileName = name || `image.${type.replace(/^image\//, "").replace("jpeg", "jpg")}`;
  return { blob: new Blob([given ?? bytes], { type }), fileName };
}

function asBytes(image: unknown): Bytes {
  if (image instanceof ArrayBuffer) return new Uint8Array(image);
  // Copied, since it may be a view of memory that another thread shares.
  if (ArrayBuffer.isView(image)) {
    return new Uint8Array(new Uint8Array(image.buffer, image.byteOffset, image.byteLength));
  }
  throw new SDKValidationError("Input", "an image must be a Blob, an ArrayBuffer or a Uint8Array", image);
}
