// Makes a picture and saves it, with progress on the way.
//   ATOMASDK_BEARER_AUTH=<key> node examples/sdk/generate.ts "A cute baby sea otter" otter.png [server URL]
import { APIError, AtomaSDK } from "atoma-sdk";

const [prompt = "A cute baby sea otter", file = "picture.png", serverURL] = process.argv.slice(2);
const sdk = new AtomaSDK({ serverURL });

try {
  for await (const event of sdk.images.generateStream({ prompt }, { progress: true })) {
    if (event.type === "image_generation.progress") {
      process.stderr.write(`\rstep ${event.step} of ${event.steps}`);
    }
    if (event.type === "image_generation.completed") {
      await event.save(file);
      console.log(`\n${file}: ${event.mediaType}, seed ${event.seed ?? "unknown"}`);
    }
  }
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  console.error(`The server refused: ${error.message} (request ${error.requestId ?? "without an id"})`);
  process.exitCode = 1;
}
