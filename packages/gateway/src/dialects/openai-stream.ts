import { errors, type ImageJob } from "@atoma/contract";
import { isModeration } from "./complaint.ts";
import type { AnswerEvent, AnswerReader } from "./dialect.ts";
import { eventStreamReader } from "./event-stream.ts";
import { isRecord } from "./is-record.ts";
import { decodeBase64, imageEvent, parseJson, pictureBytes } from "./openai-like.ts";
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

/** What one event of the stream says. */
function read(data: string, job: ImageJob): AnswerEvent[] {
  const event = eventOf(data);
  const { type, partial_image_index: partial } = event;
  if (type === `${job.operation}.partial_image` && isCount(partial) && partial < job.partialImages) {
    return [{ type: "partial", index: 0, partial, bytes: bytesOf(event) }];
  }
  if (type !== `${job.operation}.completed`) return [];
  return [imageEvent(0, bytesOf(event), undefined), { type: "done", usage: readUsage(event.usage) }];
}

/**
 * Reads OpenAI's stream for one picture: previews, as many as were asked for, the picture, and `done`. What else it tells is
 * left out.
 */
export function openaiStream(job: ImageJob): AnswerReader {
  const stream = eventStreamReader(Math.ceil((pictureBytes(job) * 4) / 3) + EVENT_BYTES);
  return {
    *push(chunk) {
      for (const data of stream.push(chunk)) yield* read(data, job);
    },
    end() {
      stream.end();
      return [];
    },
    needs: pictureBytes(job),
  };
}
