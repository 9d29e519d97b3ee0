// Runs without the monorepo's export condition, so `atoma-sdk` is the package as it is published.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { AtomaSDK } from "atoma-sdk";
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

const serverURL = process.env.ATOMA_URL;
assert.match(import.meta.resolve("atoma-sdk"), /\/dist\/esm\//);

const atomaSDK = new AtomaSDK({ serverURL }); // the key comes from ATOMASDK_BEARER_AUTH
const { data } = await atomaSDK.images.generate({ model: "atoma-tiny", prompt: "a blue star", size: "256x256" });
const bytes = await data[0].bytes();
assert.deepEqual([...bytes.subarray(1, 4)], [0x50, 0x4e, 0x47]);

const res = await imagesGenerate(new AtomaSDKCore({ serverURL }), { model: "nope", prompt: "a blue star" });
assert.equal(res.ok, false);
assert.equal(res.error.statusCode, 404);
assert.equal(res.error.code, "model_not_found");

const { AtomaSDK: Required } = createRequire(import.meta.url)("atoma-sdk");
const models = await new Required({ serverURL }).models.list();
assert.ok(models.data.some((model) => model.id === "atoma-tiny"));
console.log("used");
