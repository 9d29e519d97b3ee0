// A page that draws, with previews on the way. For a server of your own: a key that is in a page is everybody's.
//   npm run build
//   npx esbuild examples/sdk/browser/main.ts --bundle --format=esm --outdir=examples/sdk/browser --servedir=examples/sdk/browser
// then open the address that it prints.
import { AtomaSDK } from "atoma-sdk";

const form = element("form", HTMLFormElement);
const progress = element("progress", HTMLProgressElement);
const message = element("p", HTMLParagraphElement);
const image = element("img", HTMLImageElement);

form.addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const { server, key, prompt } = Object.fromEntries(new FormData(form).entries());
  const sdk = new AtomaSDK({ serverURL: String(server), bearerAuth: String(key) || undefined });
  progress.hidden = false;
  message.textContent = "";
  try {
    const request = { prompt: String(prompt), partialImages: 2 };
    for await (const event of sdk.images.generateStream(request, { progress: true })) {
      if (event.type === "image_generation.progress") {
        progress.max = event.steps;
        progress.value = event.step;
        continue;
      }
      image.src = await event.dataUrl();
      image.alt = request.prompt;
      image.hidden = false;
    }
  } catch (error) {
    message.textContent = error instanceof Error ? error.message : String(error);
  } finally {
    progress.hidden = true;
  }
});

function element<E extends Element>(selector: string, type: new () => E): E {
  const found = document.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page has no ${selector}`);
  return found;
}
