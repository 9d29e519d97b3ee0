import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import { editForm } from "../lib/edit-form.ts";
import type { EventStream } from "../lib/event-stream.ts";
import { imageStream, type StreamOptions } from "../lib/image-stream.ts";
import type { EditImageStreamRequest } from "../models/components/editimagerequest.ts";
import type { ImageEditStreamEvent } from "../models/components/imagestreamevent.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Changes pictures and tells about them on the way: POST /v1/images/edits with `stream: true`. Resolves and ends as
 * `imagesGenerateStream`; the names of its events begin with `image_edit`.
 */
export function imagesEditStream(
  client: AtomaSDKCore,
  request: EditImageStreamRequest,
  options?: StreamOptions,
): APIPromise<CallResult<EventStream<ImageEditStreamEvent>>> {
  return startCall(
    client,
    async () => ({
      ...(await editForm(request, true)),
      ...imageStream<ImageEditStreamEvent>("image_edit", request.n ?? request.additionalFields?.n, options),
    }),
    options,
  );
}
