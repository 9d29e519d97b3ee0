// The same call as a function: bundlers take along nothing but it, and errors are values.
//   ATOMASDK_BEARER_AUTH=<key> node examples/sdk/standalone.ts "A cute baby sea otter" [server URL]
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

const [prompt = "A cute baby sea otter", serverURL] = process.argv.slice(2);
const client = new AtomaSDKCore({ serverURL, timeoutMs: 120_000 });

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
