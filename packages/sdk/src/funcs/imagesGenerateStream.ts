import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import type { EventStream } from "../lib/event-stream.ts";
import { openImageStream } from "../lib/image-stream.ts";
import { toJSON, toWire } from "../lib/input.ts";
import type { CreateImageStreamRequest } from "../models/components/createimagerequest.ts";
import type { ImageStreamEvent } from "../models/components/imagestreamevent.ts";
import type { APIPromise } from "../types/async.ts";

export interface StreamOptions extends RequestOptions {
  /** Longest silence between two events, comments counted, ms; 0 for no limit. Default 300,000. */
  idleTimeoutMs?: number | undefined;
  /** Ask the server for `image_generation.progress` events. Default false. */
  progress?: boolean | undefined;
}

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
      const wanted = typeof wire.n === "number" ? wire.n : 1;
      return {
        path: "/v1/images/generations",
        accept: options?.progress ? "text/event-stream; progress=1" : "text/event-stream",
        body: toJSON(wire),
        isStream: true,
        read: (response, attempt) => openImageStream(response, attempt, wanted, options?.idleTimeoutMs ?? 300_000),
      };
    },
    options,
  );
}
