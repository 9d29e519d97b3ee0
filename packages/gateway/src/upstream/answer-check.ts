import { errors, type GenerationEvent, type ImageJob, readImageHeader } from "@atoma/contract";

/** Throws unless the picture is what was ordered: the next one, in the right format and size. */
function checkImage(event: GenerationEvent & { type: "image" }, index: number, job: ImageJob): void {
  const header = readImageHeader(event.bytes);
  const right =
    event.index === index &&
    index < job.n &&
    header?.format === job.outputFormat &&
    header.orientation === 1 &&
    header.width === job.width &&
    header.height === job.height;
  if (!right) throw new Error(`picture ${index} is not what was ordered`);
}

/** Throws unless the preview is a picture, and one of those that were asked for. */
function checkPartial(event: GenerationEvent & { type: "partial" }, job: ImageJob): void {
  const asked = event.index < job.n && event.partial < job.partialImages;
  if (!asked || readImageHeader(event.bytes)?.format !== job.outputFormat)
    throw new Error("a preview that was not asked for");
}

/** Checks the events of one answer, each in its turn: throws unless `done` comes after exactly n pictures as they were ordered. */
export function answerCheck(job: ImageJob): (event: GenerationEvent) => void {
  let images = 0;
  return (event) => {
    switch (event.type) {
      case "error":
        throw event.code === "generation_failed" ? errors.generationFailed() : errors.nodeBadResponse();
      case "image":
        return checkImage(event, images++, job);
      case "partial":
        return checkPartial(event, job);
      case "done":
        if (images !== job.n) throw new Error(`${images} of ${job.n} pictures`);
    }
  };
}
