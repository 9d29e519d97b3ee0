/** What the items of an answer carry where the request does not say. */
export const RESPONSE_DEFAULTS = ["both", "url", "b64_json"] as const;
export type ResponseDefault = (typeof RESPONSE_DEFAULTS)[number];
