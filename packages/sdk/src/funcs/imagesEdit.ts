import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readImages } from "../lib/images.ts";
import { toWire } from "../lib/input.ts";
import { encodeForm } from "../lib/multipart.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { EditImageRequest, ImageInput } from "../models/components/editimagerequest.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Changes pictures as a prompt says: POST /v1/images/edits, as multipart/form-data with an `image` part, or one `image[]` part
 * for each picture of an array. Always resolves; the errors and retries are those of `imagesGenerate`.
 */
export function imagesEdit(
  client: AtomaSDKCore,
  request: EditImageRequest,
  options?: RequestOptions,
): APIPromise<CallResult<CreateImageResponse>> {
  return startCall(
    client,
    async () => {
      const { image: _image, mask: _mask, ...fields } = toWire(request);
      if (fields.stream) throw new SDKValidationError("Input", "edits cannot be streamed", request);
      const { body, contentType } = await encodeForm(fields, imageParts(request));
      return {
        path: "/v1/images/edits",
        contentType,
        body,
        read: readImages,
      };
    },
    options,
  );
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
