// What a program sees of the SDK, on any platform: the platforms are compared with one another.
import { AtomaSDK } from "atoma-sdk";
import { AtomaSDKCore } from "atoma-sdk/core.js";
import { imagesGenerate } from "atoma-sdk/funcs/imagesGenerate.js";

/** @param serverURL where `platformServer` of platforms.test.ts listens */
export async function smoke(serverURL) {
  const sdk = new AtomaSDK({ serverURL, bearerAuth: "k", timeoutMs: 20_000 });
  const { data, usage } = await sdk.images.generate({ prompt: "pictures" });
  const pictures = [];
  for (const image of data) {
    const bytes = await image.bytes();
    pictures.push([bytes.constructor.name, bytes.length, image.mediaType, (await image.blob()).size]);
  }
  const dataUrls = new Set(await Promise.all(data.map((image) => image.dataUrl())));

  const events = [];
  for await (const event of sdk.images.generateStream({ prompt: "pictures" }, { progress: true })) {
    events.push(event.type === "image_generation.progress" ? event.step : (await event.bytes()).length);
  }
  // Left after the first event.
  for await (const event of sdk.images.generateStream({ prompt: "endless" })) {
    events.push(event.type);
    break;
  }

  const blob = await data[0].blob();
  const edited = await sdk.images.edit({ prompt: "a hat", image: [blob, await data[0].bytes()] });

  const core = new AtomaSDKCore({ serverURL, bearerAuth: "k" });
  const refused = await imagesGenerate(core, { prompt: "refused" });
  const retried = await imagesGenerate(core, { prompt: "busy once" });
  const late = await imagesGenerate(core, { prompt: "never" }, { timeoutMs: 200 });
  const signal = AbortSignal.timeout(200);
  const aborted = await imagesGenerate(core, { prompt: "never" }, { signal });
  const cut = await imagesGenerate(core, { prompt: "cut" }, { retries: { strategy: "none" } });
  const tooLarge = await imagesGenerate(core, { prompt: "pictures" }, { maxResponseBytes: 10 });
  const { id } = (await sdk.models.list()).data[0];
  return {
    pictures,
    dataUrls: [...dataUrls].map((text) => text.slice(0, 27)),
    tokens: usage.totalTokens,
    events,
    edited: edited.data.length,
    refused: [refused.error.name, refused.error.statusCode, refused.error.code, refused.error.requestId],
    retried: retried.ok,
    failed: [late, aborted, cut, tooLarge].map(({ error }) => error.name),
    id,
    said: (await sdk.health.check()).message,
  };
}
