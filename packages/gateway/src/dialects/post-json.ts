import type { NodeRequest } from "./dialect.ts";

/** A request in OpenAI's form; what is undefined is left out. */
export function postJson(body: Readonly<Record<string, unknown>>): NodeRequest {
  return {
    path: "/v1/images/generations",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  };
}
