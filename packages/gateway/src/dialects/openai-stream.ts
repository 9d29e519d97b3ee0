import { errors, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { isModeration } from "../upstream/refusal.ts";
import { decodeBase64, imageEvent, parseJson, pictureBytes } from "./foreign-answer.ts";
import { isRecord } from "./is-record.ts";
import { serverSentEvents } from "./server-sent-events.ts";
import { isCount, readUsage } from "./usage.ts";

/** Besides its picture. */
const EVENT_BYTES = 64 * 1024;

function eventOf(data: string): Readonly<Record<string, unknown>> {
  const event = parseJson(data);
  if (!isRecord(event)) throw new Error("an event that is no object");
  const { error } = event;
  if (isRecord(error) && isModeration(error.code)) throw errors.moderationBlocked();
  if (error !== undefined || event.type === "error") throw new Error("the stream tells of an error");
  return event;
}

const bytesOf = ({ b64_json: base64 }: Readonly<Record<string, unknown>>) =>
  decodeBase64(typeof base64 === "string" ? base64 : "");

/**
 * The events of OpenAI's stream for one picture: previews, as many as were asked for, the picture, and `done`. What else it
 * tells is left out.
 */
export async function* openaiStream(body: AsyncIterable<Uint8Array>, job: ImageJob): AsyncGenerator<GenerationEvent> {
  const maxBytes = Math.ceil((pictureBytes(job) * 4) / 3) + EVENT_BYTES;
  for await (const data of serverSentEvents(body, maxBytes)) {
    const event = eventOf(data);
    const { type, partial_image_index: partial } = event;
    if (type === `${job.operation}.partial_image` && isCount(partial) && partial < job.partialImages) {
      yield { type: "partial", index: 0, partial, bytes: bytesOf(event) };
    }
    if (type === `${job.operation}.completed`) {
      yield imageEvent(0, bytesOf(event), undefined);
      yield { type: "done", usage: readUsage(event.usage) };
      return;
    }
  }
}
