import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { EventStream } from "../lib/event-stream.ts";
import { imageStream, type StreamOptions } from "../lib/image-stream.ts";
import { toJSON, toWire } from "../lib/input.ts";
import type { CreateImageStreamRequest } from "../models/components/createimagerequest.ts";
import type { ImageStreamEvent } from "../models/components/imagestreamevent.ts";
import type { APIPromise } from "../types/async.ts";

export type { StreamOptions } from "../lib/image-stream.ts";

/**
 * Makes pictures and tells about them on the way: POST /v1/images/generations with `stream: true`.
 *
 * Always resolves, when the server has begun to answer: to a stream, or to an error as `imagesGenerate`. Later errors are thrown
 * by the iteration, also when the stream ends before its last picture. `timeoutMs` covers the whole stream.
 */
export function imagesGenerateStream(
  client: AtomaSDKCore,
  request: CreateImageStreamRequest,
  options?: StreamOptions,
): APIPromise<CallResult<EventStream<ImageStreamEvent>>> {
  return startCall(
    client,
    () => {
      const wire: Record<string, unknown> = { ...toWire(request), stream: true };
      return {
        path: "/v1/images/generations",
        body: toJSON(wire),
        ...imageStream<ImageStreamEvent>("image_generation", wire.n, options),
      };
    },
    options,
  );
}
