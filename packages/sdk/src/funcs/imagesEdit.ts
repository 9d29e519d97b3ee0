import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { editForm } from "../lib/edit-form.ts";
import { readImages } from "../lib/images.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { EditImageRequest } from "../models/components/editimagerequest.ts";
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
  return startCall(client, async () => ({ ...(await editForm(request, false)), read: readImages }), options);
}
