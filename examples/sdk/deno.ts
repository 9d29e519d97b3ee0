// Makes a picture with Deno.
//   npm install /path/to/atoma/packages/sdk/dist
//   export ATOMASDK_SERVER_URL=http://127.0.0.1:8080 ATOMASDK_BEARER_AUTH=<key>
//   deno run --allow-net --allow-env --allow-write examples/sdk/deno.ts "A cute baby sea otter" otter.png
import { AtomaSDK } from "atoma-sdk";

declare const Deno: { args: string[] };

const [prompt = "A cute baby sea otter", file = "picture.png"] = Deno.args;
const sdk = new AtomaSDK(); // server and key come from the environment
const { data } = await sdk.images.generate({ prompt });
await data[0]?.save(file);
console.log(`${file}: ${data[0]?.mediaType}`);
