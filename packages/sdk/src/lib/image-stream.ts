import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { ImageData } from "../models/components/imagedata.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { RequestAbortedError } from "../models/errors/requestabortederror.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Attempt } from "./attempt.ts";
import { attemptError, refusal } from "./attempt-error.ts";
import { maxResponseBytes } from "./body.ts";
import type { Call } from "./call.ts";
import type { RequestOptions } from "./client.ts";
import { EventStream } from "./event-stream.ts";
import { downloader, readImages } from "./images.ts";
import type { ServerSentEvent } from "./sse.ts";
import { readEvents } from "./sse-reader.ts";
import { fromWire } from "./wire.ts";

/** How long to wait for the end of a stream whose pictures are all here, ms. */
const TAIL_MS = 1_000;

export interface StreamOptions extends RequestOptions {
  /** Longest silence between two events, comments counted, ms; 0 for no limit. Default 300,000. */
  idleTimeoutMs?: number | undefined;
  /** Ask the server for progress events. Default false. */
  progress?: boolean | undefined;
}

/** What the names of a stream's events begin with. */
type Prefix = "image_generation" | "image_edit";

/** What the calls have in common that answer with a stream of pictures. `E` are the events of the prefix. */
export function imageStream<E extends { type: `${Prefix}.${string}` }>(
  prefix: Prefix,
  n: unknown,
  { progress, idleTimeoutMs = 300_000 }: StreamOptions = {},
): Pick<Call<EventStream<E>>, "accept" | "isStream" | "read"> {
  const wanted = typeof n === "number" ? n : 1;
  return {
    accept: progress ? "text/event-stream; progress=1" : "text/event-stream",
    isStream: true,
    async read(response, attempt) {
      const isSSE = /^\s*text\/event-stream/i.test(response.headers.get("content-type") ?? "");
      // A server that answers with JSON all the same is understood.
      const events = isSSE
        ? imageEvents<E>(response, attempt, prefix, wanted, idleTimeoutMs)
        : completedEvents<E>(await readImages(response, attempt), prefix);
      if (!isSSE) attempt.close();
      return new EventStream(events, async () => {
        attempt.deadline.abort(new RequestAbortedError("The stream was cancelled"));
        attempt.close();
        if (!response.body?.locked) await response.body?.cancel().catch(() => {}); // the abort may have closed it
      });
    },
  };
}

async function* imageEvents<E>(
  response: Response,
  attempt: Attempt,
  prefix: Prefix,
  wanted: number,
  idleMs: number,
): AsyncGenerator<E, void, undefined> {
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
      if (event.kind === "completed") completed++;
      if (completed === wanted) tail ??= clock.setTimeout(() => deadline.abort(undefined), TAIL_MS);
      yield asEvent(event.fields, prefix, event.kind);
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

/** An event that the SDK knows: what it is, and its fields. */
interface KnownEvent {
  kind: string;
  fields: object;
}

function readEvent(sent: ServerSentEvent, response: Response, attempt: Attempt): KnownEvent | undefined {
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

  const name = String(json.type ?? sent.event);
  const [, kind] = /^image_(?:generation|edit)\.(progress|partial_image|completed)$/.exec(name) ?? [];
  if (!kind) return undefined;
  const fields = fromWire(json);
  if (kind === "progress") return { kind, fields };
  const picture = new ImageData(fields, downloader(attempt), json.output_format);
  if (picture.b64Json || picture.url) return { kind, fields: picture };
  if (kind !== "completed") return undefined; // the finished one may still come
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

async function* completedEvents<E>(answer: CreateImageResponse, prefix: Prefix): AsyncGenerator<E, void, undefined> {
  const { data, created: createdAt, ...fields } = answer;
  for (const picture of data) yield asEvent(Object.assign(picture, fields, { createdAt }), prefix, "completed");
}

/** The event of a kind. Its other fields are the server's word, as in every answer. */
function asEvent<E>(fields: object, prefix: Prefix, kind: string): E {
  return Object.assign(fields, { type: `${prefix}.${kind}` }) as E;
}
