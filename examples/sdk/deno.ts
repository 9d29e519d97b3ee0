// Makes a picture with Deno.
//   deno add npm:atoma-sdk
//   ATOMASDK_BEARER_AUTH=<key> deno run --allow-net --allow-env --allow-write deno.ts "A cute baby sea otter" otter.png [server URL]
import { AtomaSDK } from "atoma-sdk";

declare const Deno: { args: string[] };

const [prompt = "A cute baby sea otter", file = "picture.png", serverURL] = Deno.args;
const sdk = new AtomaSDK({ serverURL });
const { data } = await sdk.images.generate({ prompt });
await data[0]?.save(file);
console.log(`${file}: ${data[0]?.mediaType}`);
