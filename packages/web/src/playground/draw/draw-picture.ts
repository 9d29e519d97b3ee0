import { type AtomaSDK, ConnectionError, type Notes, type RequestOptions } from "atoma-sdk";
import type { Draft, Source } from "../draft.ts";
import { type Clock, serverAnswers } from "./server-answers.ts";

/** All that one picture is made from. */
export interface Order extends Omit<Draft, "count" | "keepSeed"> {
  readonly source: Source | undefined;
  /** Whether the model sends previews. */
  readonly streaming: boolean;
}

export interface Drawn {
  readonly blob: Blob;
  readonly seed: number;
  /** What became of the prompt besides being drawn. */
  readonly notes: Notes | undefined;
}

/** What happens to a picture on its way. */
export type DrawEvent =
  | { readonly type: "progress"; readonly step: number; readonly steps: number }
  | { readonly type: "preview"; readonly blob: Blob }
  /** The connection is lost; it goes on by itself when the server answers again. */
  | { readonly type: "reconnecting" };

export interface DrawOptions {
  readonly signal: AbortSignal;
  /** The same for each attempt, so that a picture is made and charged once. */
  readonly idempotencyKey: string;
  readonly onEvent: (event: DrawEvent) => void;
  readonly clock: Clock;
}

const PREVIEWS = 3;
const MAX_RECONNECTS = 5;
/** What waiting mends: a busy server, a limit, an earlier attempt that has not ended. */
const WAIT_FOR = ["409", "429", "503"] as const;
const PATIENCE = { initialInterval: 500, maxInterval: 5_000, exponent: 1.5, maxElapsedTime: 120_000 } as const;

/** The fields of an edit; undefined for a picture from words alone. */
function editOf({ source, fidelity }: Order) {
  return source && { image: source.image, mask: source.mask, inputFidelity: fidelity };
}

function requestOf({ model, prompt, negativePrompt, size, seed, steps, guidanceScale, scheduler, format }: Order) {
  return {
    model,
    prompt,
    size,
    seed,
    steps,
    guidanceScale,
    outputFormat: format,
    responseFormat: "b64_json",
    ...(negativePrompt !== "" && { negativePrompt }),
    ...(scheduler !== "" && { scheduler }),
  };
}

/** The stream of one picture, with previews and progress. */
function openStream(sdk: AtomaSDK, order: Order, options: RequestOptions) {
  const request = { ...requestOf(order), partialImages: PREVIEWS };
  const streamOptions = { ...options, progress: true };
  const edit = editOf(order);
  return edit
    ? sdk.images.editStream({ ...request, ...edit }, streamOptions)
    : sdk.images.generateStream(request, streamOptions);
}

async function watch(sdk: AtomaSDK, order: Order, options: RequestOptions, onEvent: DrawOptions["onEvent"]) {
  let drawn: Drawn | undefined;
  for await (const event of openStream(sdk, order, options)) {
    switch (event.type) {
      case "image_generation.progress":
      case "image_edit.progress":
        onEvent({ type: "progress", step: event.step, steps: event.steps });
        break;
      case "image_generation.partial_image":
      case "image_edit.partial_image":
        onEvent({ type: "preview", blob: await event.blob() });
        break;
      default:
        drawn = { blob: await event.blob(), seed: event.seed ?? order.seed, notes: event.notes };
    }
  }
  if (!drawn) throw new ConnectionError("the stream ended without its picture");
  return drawn;
}

/** For models that show nothing on the way. */
async function waitFor(sdk: AtomaSDK, order: Order, options: RequestOptions): Promise<Drawn> {
  const request = requestOf(order);
  const edit = editOf(order);
  const { data, notes } = await (edit
    ? sdk.images.edit({ ...request, ...edit }, options)
    : sdk.images.generate(request, options));
  const [picture] = data;
  if (!picture) throw new ConnectionError("the answer has no picture");
  return { blob: await picture.blob(), seed: picture.seed ?? order.seed, notes };
}

/**
 * Makes one picture. When the connection is lost it waits until the server answers again and asks for the same picture under the same
 * idempotency key. Rejects with an error of the SDK.
 */
export async function drawPicture(
  sdk: AtomaSDK,
  order: Order,
  { signal, idempotencyKey, onEvent, clock }: DrawOptions,
): Promise<Drawn> {
  const options: RequestOptions = {
    signal,
    idempotencyKey,
    retries: { strategy: "backoff", backoff: PATIENCE, retryConnectionErrors: false },
    retryCodes: WAIT_FOR,
  };
  for (let reconnects = 0; ; reconnects++) {
    try {
      return await (order.streaming ? watch(sdk, order, options, onEvent) : waitFor(sdk, order, options));
    } catch (error) {
      if (!(error instanceof ConnectionError) || signal.aborted || reconnects === MAX_RECONNECTS) throw error;
      onEvent({ type: "reconnecting" });
      if (!(await serverAnswers(sdk, clock, signal))) throw error;
    }
  }
}
