import type { RequestOptions } from "../lib/client.ts";
import type { CreateImageRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { APIPromise, throwing } from "../types/async.ts";
import { Resource } from "./resource.ts";

export class ConfidentialImages extends Resource {
  /** As `confidentialImagesGenerate`, but throws its error. */
  generate(request: CreateImageRequest & { model: string }, options?: RequestOptions): APIPromise<CreateImageResponse> {
    // Loaded here: few programs need it.
    const operation = import("../funcs/confidentialImagesGenerate.ts");
    return new APIPromise(
      operation.then((module) =>
        throwing(module.confidentialImagesGenerate(this._client, request, options)).$inspect(),
      ),
    );
  }
}
