import { errors, type GenerationEvent, type ImageJob, readImageHeader } from "@atoma/contract";
import { CutOffError } from "../dialects/dialect.ts";

/** Throws unless the picture is what was ordered: the next one, in the right format and size. */
function verifyImage(event: GenerationEvent & { type: "image" }, index: number, job: ImageJob): void {
  const header = readImageHeader(event.bytes);
  const right =
    event.index === index &&
    index < job.n &&
    header?.format === job.outputFormat &&
    header.width === job.width &&
    header.height === job.height;
  if (!right) throw new Error(`picture ${index} is not what was ordered`);
}

/** Throws unless the preview is a picture, and one of those that were asked for. */
function verifyPartial(event: GenerationEvent & { type: "partial" }, job: ImageJob): void {
  const asked = event.index < job.n && event.partial < job.partialImages;
  if (!asked || readImageHeader(event.bytes)?.format !== job.outputFormat)
    throw new Error("a preview nobody asked for");
}

/** A node's events, each checked; `done` comes last, after exactly n pictures. Throws when they are anything else. */
export async function* verified(
  events: AsyncIterable<GenerationEvent>,
  job: ImageJob,
): AsyncGenerator<GenerationEvent, void, undefined> {
  let images = 0;
  for await (const event of events) {
    if (event.type === "error") {
      throw event.code === "generation_failed" ? errors.generationFailed() : errors.nodeBadResponse();
    }
    if (event.type === "image") verifyImage(event, images++, job);
    if (event.type === "partial") verifyPartial(event, job);
    if (event.type === "done") {
      if (images !== job.n) throw new Error(`${images} of ${job.n} pictures`);
      yield event;
      return;
    }
    yield event;
  }
  throw new CutOffError("the answer ended early");
}
