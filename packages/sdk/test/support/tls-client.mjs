// Asks a server for a picture with the built package and prints how that went. The process has its own list of trusted roots.
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

const client = new AtomaSDKCore({ serverURL: process.argv[2], bearerAuth: "sk-secret-0123456789", timeoutMs: 20_000 });
const result = await imagesGenerate(client, { prompt: "x" });
const { error } = result;
console.log(
  JSON.stringify(
    error
      ? { name: error.name, status: error.statusCode, cause: error.cause?.cause?.code, attempts: error.attempts }
      : { pictures: result.value.data.length },
  ),
);
