import type { Dispatcher } from "undici";

const MAX_BYTES = 64 * 1024;

/** The beginning of a body; a body that breaks off or goes on is judged by what came. */
export async function readStart(body: Dispatcher.ResponseData["body"]): Promise<string> {
  let text = "";
  body.on("error", () => {});
  try {
    for await (const chunk of body) {
      text += chunk;
      if (text.length > MAX_BYTES) break;
    }
  } catch {
    // What came so far is enough, or is no envelope.
  }
  return text;
}
