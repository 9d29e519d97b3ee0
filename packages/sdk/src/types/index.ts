export { type APICall, APIPromise, type WithResponse } from "./async.ts";
export { isBlobLike } from "./blobs.ts";
export type { ClosedEnum, OpenEnum } from "./enums.ts";
export { ERR, OK, type Result, unwrap, unwrapAsync } from "./fp.ts";
