import type { EditImageRequest, ImageInput } from "../models/components/editimagerequest.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { toWire } from "./input.ts";
import { encodeForm } from "./multipart.ts";
import type { Operation } from "./request.ts";

/** The form of an edit: an `image` part, or one `image[]` part for each picture of an array, and the fields. */
export async function editForm(request: EditImageRequest, isStream: boolean): Promise<Operation> {
  const { image: _image, mask: _mask, ...fields } = toWire(request);
  if (isStream) fields.stream = true;
  else if (fields.stream) throw new SDKValidationError("Input", "stream is for imagesEditStream", request);
  return { path: "/v1/images/edits", ...(await encodeForm(fields, imageParts(request))) };
}

function imageParts({ image, mask }: EditImageRequest): [name: string, image: ImageInput][] {
  const parts = isList(image) ? image.map((one) => part("image[]", one)) : [part("image", image)];
  if (parts.length === 0) throw new SDKValidationError("Input", "image must have at least one picture", image);
  return mask ? [...parts, part("mask", mask)] : parts;
}

function part(name: string, image: ImageInput): [string, ImageInput] {
  return [name, image];
}

function isList(image: EditImageRequest["image"]): image is readonly ImageInput[] {
  return Array.isArray(image);
}
