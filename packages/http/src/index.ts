export * from "./expectation.ts";
export * from "./guard-connections.ts";
export * from "./known-methods.ts";
export * from "./masked.ts";
export * from "./one-reading.ts";
export * from "./request-id.ts";
export * from "./send-error.ts";
