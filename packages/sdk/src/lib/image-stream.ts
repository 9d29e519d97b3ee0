import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { ImageData } from "../models/components/imagedata.ts";
import type { ImageStreamEvent } from "../models/components/imagestreamevent.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { RequestAbortedError } from "../models/errors/requestabortederror.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { type Attempt, attemptError, refusal } from "./attempt.ts";
import { maxResponseBytes } from "./body.ts";
import { EventStream } from "./event-stream.ts";
import { downloader, readImages } from "./images.ts";
import type { ServerSentEvent } from "./sse.ts";
import { readEvents } from "./sse-reader.ts";
import { fromWire } from "./wire.ts";

/** How long to wait for the end of a stream whose pictures are all here, ms. */
const TAIL_MS = 1_000;

/**
 * Opens the stream of a 2xx answer. A server that answers with JSON all the same is understood.
 * @param wanted how many pictures must come, ≥ 1
 * @param idleMs longest silence, ms; 0 for no limit
 */
export async function openImageStream(
  response: Response,
  attempt: Attempt,
  wanted: number,
  idleMs: number,
): Promise<EventStream<ImageStreamEvent>> {
  const isSSE = /^\s*text\/event-stream/i.test(response.headers.get("content-type") ?? "");
  const events = isSSE
    ? imageEvents(response, attempt, wanted, idleMs)
    : completedEvents(await readImages(response, attempt));
  if (!isSSE) attempt.close();
  return new EventStream(events, async () => {
    attempt.deadline.abort(new RequestAbortedError("The stream was cancelled"));
    attempt.close();
    if (!response.body?.locked) await response.body?.cancel().catch(() => {}); // the abort may have closed it
  });
}

async function* imageEvents(
  response: Response,
  attempt: Attempt,
  wanted: number,
  idleMs: number,
): AsyncGenerator<ImageStreamEvent, void, undefined> {
  const { deadline } = attempt;
  const clock = attempt.client._clock;
  const maxBytes = maxResponseBytes(attempt);
  let completed = 0;
  let tail: unknown;
  const reader = response.body?.getReader();
  try {
    for await (const sent of reader ? readEvents(reader, deadline, clock, idleMs, maxBytes) : []) {
      if (sent.data === "[DONE]") break;
      const event = readEvent(sent, response, attempt);
      if (!event) continue;
      if (event.type === "image_generation.completed") completed++;
      if (completed === wanted) tail ??= clock.setTimeout(() => deadline.abort(undefined), TAIL_MS);
      yield event;
    }
    if (completed < wanted) {
      throw new ConnectionError(`The stream ended before completion, after ${completed} of ${wanted} pictures`);
    }
  } catch (caught) {
    // Once all pictures are here, nobody cares how the connection ends.
    if (completed < wanted) throw attemptError(caught, attempt);
  } finally {
    clock.clearTimeout(tail);
    attempt.close();
  }
}

function readEvent(sent: ServerSentEvent, response: Response, attempt: Attempt): ImageStreamEvent | undefined {
  const refused = () => refusal("API error in the stream", response, sent.data, attempt);
  if (sent.event === "error") throw refused();
  let json: unknown;
  try {
    json = parseEvent(sent.data);
  } catch (cause) {
    if (!sent.isTerminated || sent.event === "ping" || !sent.data) return undefined;
    throw new SDKValidationError("Response", "an event of the stream is not JSON", sent.data, { cause });
  }
  if (!isRecord(json)) return undefined;
  if (json.type === "error" || json.error) throw refused();

  const type = json.type ?? sent.event;
  const fields = { ...fromWire(json), type };
  if (type === "image_generation.progress") return asEvent(fields);
  if (type !== "image_generation.partial_image" && type !== "image_generation.completed") return undefined;
  const picture = new ImageData(fields, downloader(attempt), json.output_format);
  if (picture.b64Json || picture.url) return asEvent(picture);
  if (type !== "image_generation.completed") return undefined; // the finished one may still come
  throw new SDKValidationError("Response", "an event of the stream has no picture", json);
}

/**
 * Parses an event. JSON.parse would copy the picture, letter by letter, so it is cut out of the text and put back: one string
 * beside the other. Where that could be wrong (escapes in it, or it is not the event's own) all is parsed.
 */
function parseEvent(text: string): unknown {
  const key = /"b64_json"\s*:\s*"/.exec(text);
  const start = key ? key.index + key[0].length : 0;
  const end = text.indexOf('"', start);
  const picture = text.slice(start, end);
  if (key && end > start && !picture.includes("\\")) {
    const json: unknown = JSON.parse(`${text.slice(0, start)}*${text.slice(end)}`);
    if (isRecord(json) && json.b64_json === "*") return { ...json, b64_json: picture };
  }
  return JSON.parse(text);
}

async function* completedEvents(answer: CreateImageResponse): AsyncGenerator<ImageStreamEvent, void, undefined> {
  const { data, created: createdAt, ...fields } = answer;
  for (const picture of data) {
    yield asEvent(Object.assign(picture, fields, { createdAt, type: "image_generation.completed" }));
  }
}

/** Its `type` was looked at; the other fields are the server's word, as in every answer. */
function asEvent(event: object): ImageStreamEvent {
  return event as ImageStreamEvent;
}
