import {
  type GeneratedImage,
  type GenerationEvent,
  type ImageJob,
  type Notes,
  readNotes,
  type Usage,
} from "@atoma/contract";
import { type AnswerEvent, type AnswerReader, CutOffError, type PictureUrl } from "../dialects/dialect.ts";
import { imageEvent } from "../dialects/openai-like.ts";
import { answerCheck } from "./answer-check.ts";
import type { BodyReader } from "./send.ts";

/** What one node has made for a job: its n pictures, and the usage if it tells. */
export interface Made {
  readonly images: readonly GeneratedImage[];
  readonly usage: Usage | undefined;
  readonly notes: Notes | undefined;
}

/** What may be shown before all pictures are there. */
export type Preview = Extract<GenerationEvent, { type: "progress" | "partial" }>;

/** Takes a preview; a promise makes the node wait until there is room for more. */
export type OnPreview = (preview: Preview) => Promise<void> | undefined;

/** How far the answers to one request have come, over all connections that it took. */
export interface Progress {
  /** Events that were taken: what comes again after a connection was lost is not shown again. */
  taken: number;
  /** Whether something came that cannot be taken back. */
  shown: boolean;
}

export interface AnswerBody extends BodyReader {
  /** Resolves with what was made once the body was read; pictures that are elsewhere are fetched. Rejects unless all is there. */
  made(fetchPicture: (picture: PictureUrl) => Promise<Uint8Array>): Promise<Made>;
}

/** Reads the body of a generation's answer with the dialect's reader, checks each event, and passes previews on. */
export function answerBody(reader: AnswerReader, job: ImageJob, progress: Progress, onPreview: OnPreview): AnswerBody {
  const check = answerCheck(job);
  const images: GeneratedImage[] = [];
  /** From the first picture on that is elsewhere: looked at when the body is at its end. */
  const deferred: AnswerEvent[] = [];
  let at = 0;
  let done: Extract<GenerationEvent, { type: "done" }> | undefined;
  let shown: Promise<void> | undefined;

  function show(preview: Preview): void {
    // In order, and one at a time.
    shown = shown ? shown.then(() => onPreview(preview)) : onPreview(preview);
    // Whoever waits for it hears of a failure.
    shown?.catch(() => {});
  }

  function handle(event: GenerationEvent): void {
    check(event);
    const again = at++ < progress.taken;
    progress.taken = Math.max(progress.taken, at);
    if (event.type !== "progress") progress.shown = true;
    if (event.type === "image") images.push(event);
    else if (event.type === "done") done = event;
    else if (event.type !== "error" && !again) show(event);
  }

  function handleAll(events: Iterable<AnswerEvent>): void {
    for (const event of events) {
      // Behind the end nothing counts.
      if (done) return;
      if (event.type === "url" || deferred.length > 0) deferred.push(event);
      else handle(event);
    }
  }

  return {
    take(chunk) {
      const before = shown;
      handleAll(reader.push(chunk));
      return shown === before ? undefined : shown;
    },
    end() {
      handleAll(reader.end());
    },
    get complete() {
      return done !== undefined;
    },
    async made(fetchPicture) {
      for (const event of deferred) {
        handle(event.type === "url" ? imageEvent(event.index, await fetchPicture(event), event.seed) : event);
      }
      if (!done) throw new CutOffError("the answer ended early");
      if (shown) await shown;
      return { images, usage: done.usage, notes: readNotes(done.notes) };
    },
  };
}
