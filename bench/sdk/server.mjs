// Answers image requests: 2 KB, or 1.4 MB at /large, or as a stream of 4 events of 1.05 MB each. Runs in a process of its own,
// so that its time is not counted.
import { createServer } from "node:http";

const answer = (bytes) =>
  JSON.stringify({
    created: 1713833628,
    data: [{ url: "http://127.0.0.1/a.png", b64_json: Buffer.alloc(bytes, 7).toString("base64") }],
  });
const small = Buffer.from(answer(1500));
const large = Buffer.from(answer(1_050_000));
const picture = Buffer.alloc(787_500, 7).toString("base64");
const event = (type) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: picture, partial_image_index: 0 })}\n\n`;
const stream = Buffer.from(event("image_generation.partial_image").repeat(3) + event("image_generation.completed"));

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const [type, body] = request.url.startsWith("/large")
      ? ["application/json", large]
      : request.url.startsWith("/stream")
        ? ["text/event-stream", stream]
        : ["application/json", small];
    response.writeHead(200, { "content-type": type, "content-length": body.length });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port, streamBytes: stream.length }));
process.on("disconnect", () => process.exit());
