// The same call as a function: bundlers take along nothing but it, and errors are values.
//   npm run build
//   export ATOMASDK_SERVER_URL=http://127.0.0.1:8080 ATOMASDK_BEARER_AUTH=<key>
//   node examples/sdk/standalone.mjs "A cute baby sea otter"
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

const [, , prompt = "A cute baby sea otter"] = process.argv;
const client = new AtomaSDKCore({ timeoutMs: 120_000 }); // server and key come from the environment

const result = await imagesGenerate(client, { prompt });
if (result.ok) {
  for (const image of result.value.data) {
    const bytes = await image.bytes();
    console.log(`${image.mediaType}, ${bytes.length} bytes`);
  }
} else {
  console.error(`${result.error.name}: ${result.error.message}`);
  process.exitCode = 1;
}
