export { type APICall, APIPromise, type WithResponse } from "./async.ts";
export { isBlobLike } from "./blobs.ts";
export { type ClosedEnum, catchUnrecognizedEnum, type OpenEnum, type Unrecognized } from "./enums.ts";
export { ERR, OK, type Result, unwrap, unwrapAsync } from "./fp.ts";
export { createPageIterator, type PageIterator, type Paginator } from "./operations.ts";
export { RFCDate } from "./rfcdate.ts";
