import { imagesEdit } from "../funcs/imagesEdit.ts";
import { imagesEditStream } from "../funcs/imagesEditStream.ts";
import { imagesGenerate } from "../funcs/imagesGenerate.ts";
import { imagesGenerateStream, type StreamOptions } from "../funcs/imagesGenerateStream.ts";
import type { RequestOptions } from "../lib/client.ts";
import { EventStreamPromise } from "../lib/event-stream.ts";
import type { CreateImageRequest, CreateImageStreamRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { EditImageRequest, EditImageStreamRequest } from "../models/components/editimagerequest.ts";
import type { ImageEditStreamEvent, ImageStreamEvent } from "../models/components/imagestreamevent.ts";
import { type APIPromise, throwing } from "../types/async.ts";
import { Resource } from "./resource.ts";

export class Images extends Resource {
  /** As `imagesGenerate`, but throws its error. */
  generate(request: CreateImageRequest, options?: RequestOptions): APIPromise<CreateImageResponse> {
    return throwing(imagesGenerate(this._client, request, options));
  }

  /** As `imagesGenerateStream`, but throws its error. What it returns can be iterated over at once. */
  generateStream(request: CreateImageStreamRequest, options?: StreamOptions): EventStreamPromise<ImageStreamEvent> {
    return new EventStreamPromise(throwing(imagesGenerateStream(this._client, request, options)).$inspect());
  }

  /** As `imagesEditStream`, but throws its error. What it returns can be iterated over at once. */
  editStream(request: EditImageStreamRequest, options?: StreamOptions): EventStreamPromise<ImageEditStreamEvent> {
    return new EventStreamPromise(throwing(imagesEditStream(this._client, request, options)).$inspect());
  }

  /** As `imagesEdit`, but throws its error. */
  edit(request: EditImageRequest, options?: RequestOptions): APIPromise<CreateImageResponse> {
    return throwing(imagesEdit(this._client, request, options));
  }
}
