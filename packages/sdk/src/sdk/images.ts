import { imagesEdit } from "../funcs/imagesEdit.ts";
import { imagesEditStream } from "../funcs/imagesEditStream.ts";
import { imagesGenerate } from "../funcs/imagesGenerate.ts";
import { imagesGenerateStream, type StreamOptions } from "../funcs/imagesGenerateStream.ts";
import type { WaitOptions } from "../funcs/imagesGenerationWait.ts";
import type { RequestOptions } from "../lib/client.ts";
import { EventStreamPromise } from "../lib/event-stream.ts";
import type { CreateImageRequest, CreateImageStreamRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { EditImageRequest, EditImageStreamRequest } from "../models/components/editimagerequest.ts";
import type { Generation } from "../models/components/generation.ts";
import type { ImageEditStreamEvent, ImageStreamEvent } from "../models/components/imagestreamevent.ts";
import { type APIPromise, throwing } from "../types/async.ts";
import { lazily, Resource } from "./resource.ts";

export class Images extends Resource {
  /** As `imagesGenerate`, but throws its error. */
  generate(request: CreateImageRequest, options?: RequestOptions): APIPromise<CreateImageResponse> {
    return throwing(imagesGenerate(this._client, request, options));
  }

  /** As `imagesGenerateStream`, but throws its error. What it returns can be iterated over at once. */
  generateStream(request: CreateImageStreamRequest, options?: StreamOptions): EventStreamPromise<ImageStreamEvent> {
    return new EventStreamPromise(throwing(imagesGenerateStream(this._client, request, options)).$inspect());
  }

  /** As `imagesGenerateAsync`, but throws its error. */
  generateAsync(request: CreateImageRequest, options?: RequestOptions): APIPromise<Generation> {
    return lazily(import("../funcs/imagesGenerateAsync.ts"), ({ imagesGenerateAsync }) =>
      imagesGenerateAsync(this._client, request, options),
    );
  }

  /** As `imagesGenerationGet`, but throws its error. */
  getGeneration(generation: string | Generation, options?: RequestOptions): APIPromise<Generation> {
    return lazily(import("../funcs/imagesGenerationGet.ts"), ({ imagesGenerationGet }) =>
      imagesGenerationGet(this._client, generation, options),
    );
  }

  /** As `imagesGenerationWait`, but throws its error. */
  waitForGeneration(generation: string | Generation, options?: WaitOptions): APIPromise<CreateImageResponse> {
    return lazily(import("../funcs/imagesGenerationWait.ts"), ({ imagesGenerationWait }) =>
      imagesGenerationWait(this._client, generation, options),
    );
  }

  /** As `imagesGenerationCancel`, but throws its error. */
  cancelGeneration(generation: string | Generation, options?: RequestOptions): APIPromise<Generation> {
    return lazily(import("../funcs/imagesGenerationCancel.ts"), ({ imagesGenerationCancel }) =>
      imagesGenerationCancel(this._client, generation, options),
    );
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
