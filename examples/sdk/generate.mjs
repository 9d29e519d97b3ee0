// Makes a picture and saves it, with progress on the way. For other folders than this repository see "Install" in docs/sdk.md.
//   npm run build
//   export ATOMASDK_SERVER_URL=http://127.0.0.1:8080 ATOMASDK_BEARER_AUTH=<key>
//   node examples/sdk/generate.mjs "A cute baby sea otter" otter.png
import { APIError, AtomaSDK } from "atoma-sdk";

const [prompt = "A cute baby sea otter", file = "picture.png"] = process.argv.slice(2);
const sdk = new AtomaSDK(); // server and key come from the environment

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
  console.error(`The server refused: ${error.message}`); // with the id of the request
  process.exitCode = 1;
}
