import type { GeneratedImage, GenerationEvent, ImageJob, Notes, Usage } from "@atoma/contract";
import { errors, formatSize } from "@atoma/contract";

/** Bytes encoded at a time: a multiple of 3, so that the pieces of base64 join without padding. */
const PIECE_BYTES = 3 * 64 * 1024;

export interface JsonAnswer {
  /** Of the whole body, in bytes. */
  readonly length: number;
  body(): Generator<string, void, undefined>;
}

/** What is known when all pictures are made. */
export interface Told {
  readonly usage: Usage | undefined;
  readonly notes?: Notes | undefined;
}

/** Waits for all pictures, the usage and notes. Throws ApiError when the stream ends without one of them. */
export async function collect(events: AsyncIterable<GenerationEvent>, n: number) {
  const images: GeneratedImage[] = [];
  let told: Told = { usage: undefined };
  for await (const event of events) {
    if (event.type === "image") images.push(event);
    else if (event.type === "done") told = event;
    else if (event.type === "error") throw errors.generationFailed(new Error(event.message));
  }
  if (images.length !== n) throw errors.generationFailed(new Error(`${images.length} of ${n} pictures came`));
  return { images, told: { usage: told.usage, notes: told.notes } };
}

/**
 * OpenAI's answer as pieces of JSON. Base64 is made while it is sent, in pieces, so that no large string is built and no
 * large picture stalls the event loop.
 */
export function jsonAnswer(
  job: ImageJob,
  images: readonly GeneratedImage[],
  { usage, notes }: Told,
  now: Date,
): JsonAnswer {
  const facts = {
    created: Math.floor(now.getTime() / 1000),
    background: job.background,
    output_format: job.outputFormat,
    quality: job.quality,
    size: formatSize(job),
    ...(usage && { usage }),
    ...(notes && { notes }),
  };
  const head = `${JSON.stringify(facts).slice(0, -1)},"data":[`;
  const opening = (index: number) => `${index > 0 ? "," : ""}{"b64_json":"`;
  const closing = ({ seed }: GeneratedImage) => (seed === undefined ? `"}` : `","seed":${seed}}`);
  const tail = "]}";
  const inner = images.reduce((sum, image, index) => {
    return sum + opening(index).length + Math.ceil(image.bytes.length / 3) * 4 + closing(image).length;
  }, 0);
  return {
    // Notes may hold any letters; the rest is ASCII.
    length: Buffer.byteLength(head) + inner + tail.length,
    *body() {
      yield head;
      for (const [index, image] of images.entries()) {
        yield opening(index);
        const { buffer, byteOffset, length } = image.bytes;
        for (let at = 0; at < length; at += PIECE_BYTES) {
          yield Buffer.from(buffer, byteOffset + at, Math.min(PIECE_BYTES, length - at)).toString("base64");
        }
        yield closing(image);
      }
      yield tail;
    },
  };
}
