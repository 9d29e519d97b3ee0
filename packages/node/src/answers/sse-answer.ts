import { formatSize, type GeneratedImage, type GenerationEvent, type ImageJob, usageOfPicture } from "@atoma/contract";
import { publicError } from "./error-event.ts";
import { withHeartbeat } from "./with-heartbeat.ts";

const KEEP_ALIVE = ": keep-alive\n\n";
const KEEP_ALIVE_MS = 15_000;

function message<T extends { readonly type: string }>(data: T): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const base64 = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length).toString("base64");

/**
 * OpenAI's stream of server-sent events. Every `completed` needs its usage, which is known at the end only: with several
 * pictures they come together then. A failure is a last `error` event.
 */
export async function* sseAnswer(
  job: ImageJob,
  events: AsyncIterable<GenerationEvent>,
  onError: (error: unknown) => void,
): AsyncGenerator<string, void, undefined> {
  const made = {
    size: formatSize(job),
    quality: job.quality,
    background: job.background,
    output_format: job.outputFormat,
  };
  const now = () => Math.floor(Date.now() / 1000);
  const images: GeneratedImage[] = [];
  try {
    // Headers leave with the first bytes: now, not with the first picture.
    yield KEEP_ALIVE;
    for await (const event of withHeartbeat(events, KEEP_ALIVE_MS)) {
      if (event === "heartbeat") {
        yield KEEP_ALIVE;
      } else if (event.type === "partial") {
        yield message({
          type: `${job.operation}.partial_image`,
          b64_json: base64(event.bytes),
          partial_image_index: event.partial,
          created_at: now(),
          ...made,
        } as const);
      } else if (event.type === "image") {
        images.push(event);
      } else if (event.type === "done") {
        for (const image of images) {
          yield message({
            type: `${job.operation}.completed`,
            b64_json: base64(image.bytes),
            created_at: now(),
            ...made,
            ...(event.notes && { notes: event.notes }),
            ...(event.usage && { usage: usageOfPicture(event.usage, job.n, image.index) }),
            ...(image.seed !== undefined && { seed: image.seed }),
          } as const);
        }
      }
    }
  } catch (error) {
    onError(error);
    yield message({ type: "error", ...publicError(error).envelope() });
  }
}
