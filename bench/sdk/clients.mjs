// The same picture, made in several ways. Each function returns its bytes (atoma-sdk 0.1.1 its URL).
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
import { AtomaSDK } from "atoma-sdk";
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";
import originalCore from "atoma-sdk-original/core.js";
import original from "atoma-sdk-original/funcs/imagesGenerate.js";
import OpenAI from "openai";

export const request = { model: "m", prompt: "A cute baby sea otter" };

export async function startServer() {
  const child = fork(fileURLToPath(new URL("server.mjs", import.meta.url)));
  const { port, streamBytes } = await new Promise((resolve) => child.once("message", resolve));
  return { url: `http://127.0.0.1:${port}`, streamBytes, stop: () => child.disconnect() };
}

/** @param base URL of the server, up to the size of the answer */
export function clients(base) {
  const core = new AtomaSDKCore({ serverURL: base, bearerAuth: "k" });
  const sdk = new AtomaSDK({ serverURL: base, bearerAuth: "k" });
  const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: "k" });
  const model = createOpenAICompatible({ name: "bench", baseURL: `${base}/v1`, apiKey: "k" }).imageModel("m");
  const first = new originalCore.AtomaSDKCore({ serverURL: base, bearerAuth: "k" });
  const headers = { "content-type": "application/json", authorization: "Bearer k" };
  return {
    "raw fetch": async () => {
      const response = await fetch(`${base}/v1/images/generations`, {
        method: "POST",
        headers,
        body: JSON.stringify(request),
      });
      const answer = await response.json();
      return Buffer.from(answer.data[0].b64_json, "base64");
    },
    "atoma-sdk function": async () => {
      const result = await imagesGenerate(core, request, { timeoutMs: 60_000 });
      return result.value.data[0].bytes();
    },
    "atoma-sdk class": async () => {
      const answer = await sdk.images.generate(request, { timeoutMs: 60_000 });
      return answer.data[0].bytes();
    },
    openai: async () => {
      const answer = await openai.images.generate(request, { timeout: 60_000 });
      return Buffer.from(answer.data[0].b64_json, "base64");
    },
    ai: async () => {
      const abortSignal = AbortSignal.timeout(60_000);
      return (await generateImage({ model, prompt: request.prompt, maxRetries: 0, abortSignal })).image.uint8Array;
    },
    // It drops base64: the bytes are decoded from nothing, which flatters it.
    "atoma-sdk 0.1.1": async () => {
      const result = await original.imagesGenerate(first, request, { timeoutMs: 60_000 });
      return result.value.data[0].url;
    },
  };
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
