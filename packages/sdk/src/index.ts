export { files } from "./compat/files.ts";
export type { StreamOptions } from "./funcs/imagesGenerateStream.ts";
export type { WaitOptions } from "./funcs/imagesGenerationWait.ts";
export type { RequestOptions } from "./lib/client.ts";
export { SDK_METADATA, type SDKOptions, ServerList, serverURLFromOptions } from "./lib/config.ts";
export type { EventStream, EventStreamPromise } from "./lib/event-stream.ts";
export { HTTPClient } from "./lib/http.ts";
export type { Logger } from "./lib/logger.ts";
export type { BackoffStrategy, RetryConfig } from "./lib/retries.ts";
export type * from "./models/components/index.ts";
export { APIError } from "./models/errors/apierror.ts";
export {
  ConnectionError,
  HTTPClientError,
  InvalidRequestError,
  RequestAbortedError,
  RequestTimeoutError,
  UnexpectedClientError,
} from "./models/errors/httpclienterrors.ts";
export { SDKError } from "./models/errors/sdkerror.ts";
export { SDKValidationError } from "./models/errors/sdkvalidationerror.ts";
export { AtomaSDK } from "./sdk/sdk.ts";
