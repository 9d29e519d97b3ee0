import type { RequestOptions } from "../lib/client.ts";
import type { CreateImageRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { APIPromise } from "../types/async.ts";
import { lazily, Resource } from "./resource.ts";

export class ConfidentialImages extends Resource {
  /** As `confidentialImagesGenerate`, but throws its error. */
  generate(request: CreateImageRequest & { model: string }, options?: RequestOptions): APIPromise<CreateImageResponse> {
    return lazily(import("../funcs/confidentialImagesGenerate.ts"), ({ confidentialImagesGenerate }) =>
      confidentialImagesGenerate(this._client, request, options),
    );
  }
}
