import type { TestContext } from "node:test";
import { ANSWER, PNG } from "./calls.ts";
import { json, serve, type TestServer } from "./server.ts";

/** What lets a page of another origin in. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, content-type, idempotency-key, prefer",
};

/** A server with every operation that the guide and the examples use. */
export function gateway(t: TestContext): Promise<TestServer> {
  return serve(t, (response, { url, method, headers, body }) => {
    for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value);
    if (method === "OPTIONS") return response.writeHead(204).end();
    const text = body.toString("latin1");
    if (url.startsWith("/v1/models")) return json(response, { data: [{ id: "m" }] }, 200, { "x-request-id": "req_1" });
    const job = { id: "gen_0123456789", object: "image.generation" };
    if (headers.prefer === "respond-async") {
      return json(response, { ...job, status: "queued" }, 202, { "retry-after": "0" });
    }
    if (method === "GET") return json(response, { ...job, status: "succeeded", result: ANSWER });
    if (text.includes('"slow"')) return;
    if (text.includes('"refused"'))
      return json(response, { error: { code: "moderation_blocked", message: "no" } }, 400);
    if (!text.includes('"stream":true')) return json(response, { ...ANSWER, usage: { total_tokens: 3 } });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = [
      { type: "image_generation.progress", step: 1, steps: 2 },
      { type: "image_generation.partial_image", b64_json: PNG, partial_image_index: 0 },
      { type: "image_generation.completed", b64_json: PNG, seed: 7 },
    ];
    response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  });
}
