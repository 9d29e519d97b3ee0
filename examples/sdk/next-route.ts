// A Next.js route handler (app/api/picture/route.ts), or a handler of any framework that has Web requests and responses: the key
// stays on the server, and the picture goes to the browser as it is. Beside it, in .env.local:
//   ATOMASDK_SERVER_URL=http://127.0.0.1:8080
//   ATOMASDK_BEARER_AUTH=<key>
// and when it runs:
//   curl -X POST localhost:3000/api/picture -d '{"prompt":"A cute baby sea otter"}' -o otter.png
import { APIError, AtomaSDK } from "atoma-sdk";

const sdk = new AtomaSDK({ timeoutMs: 120_000 });

export async function POST(request: Request): Promise<Response> {
  const { prompt } = (await request.json()) as { prompt?: unknown };
  if (typeof prompt !== "string" || prompt.length > 4000) return new Response("prompt, please", { status: 400 });
  try {
    // The picture is no longer made when the browser has gone.
    const { data } = await sdk.images.generate({ prompt, responseFormat: "b64_json" }, { signal: request.signal });
    const picture = await data[0]?.blob();
    return new Response(picture, { headers: { "cache-control": "private, max-age=3600" } });
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    // What the server says of the prompt is for the user, the rest for the log. The message has the id of the request.
    if (error.statusCode === 400) return Response.json({ message: error.message }, { status: 400 });
    console.error(error.message);
    return Response.json({ message: "No picture now" }, { status: 503 });
  }
}
