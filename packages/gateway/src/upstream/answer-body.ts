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
import { checkPicture } from "../pictures/check-picture.ts";
import type { Picture } from "../pictures/picture.ts";
import type { Shelf } from "../pictures/shelf.ts";
import { answerCheck } from "./answer-check.ts";
import type { BodyReader } from "./send.ts";

/** What one node has made for a job: its n pictures, and the usage if it tells. */
export interface Made {
  readonly pictures: readonly Picture[];
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

export interface AnswerBody extends BodyReader, Disposable {
  /** Resolves with what was made once the body was read; pictures that are elsewhere are fetched. Rejects unless all is there. */
  made(fetchPicture: (picture: PictureUrl) => Promise<Uint8Array>): Promise<Made>;
}

export interface AnswerBodyOptions {
  readonly job: ImageJob;
  readonly progress: Progress;
  readonly onPreview: OnPreview;
  readonly shelf: Pick<Shelf, "openMemory" | "add">;
  /** Whether a picture is taken for what its header says, and not decoded: of a node that is trusted. */
  readonly trusted: boolean;
  /** 0 where the answer does not say it. */
  readonly contentLength: number;
}

/** What smaller pictures take is not counted. */
const COUNTED_BYTES = 16 * 1024;

const counted = ({ length }: Uint8Array) => (length < COUNTED_BYTES ? 0 : length);

/** Reads the body of a generation's answer with the dialect's reader, checks each event, and passes previews on. */
export function answerBody(reader: AnswerReader, options: AnswerBodyOptions): AnswerBody {
  const { job, progress, onPreview, shelf } = options;
  const memory = shelf.openMemory();
  const check = answerCheck(job);
  const pictures: Promise<Picture>[] = [];
  /** From the first picture on that is elsewhere: looked at when the body is at its end. */
  const deferred: AnswerEvent[] = [];
  let at = 0;
  let done: Extract<GenerationEvent, { type: "done" }> | undefined;
  let shown: Promise<void> | undefined;
  /** Bytes that are claimed for what is still to come. */
  let claimed = 0;
  let whole = Math.min(options.contentLength, reader.keepsWhole ?? 0);

  async function put(image: GeneratedImage): Promise<Picture> {
    memory.add(counted(image.bytes));
    const bytes = options.trusted ? image.bytes : await checkPicture(image);
    const picture = shelf.add({ ...image, bytes });
    const size = counted(image.bytes);
    if (size > 0) memory.offer(size, picture.letGo);
    return picture;
  }

  function show(preview: Preview): void {
    const bytes = preview.type === "partial" ? counted(preview.bytes) : 0;
    memory.add(bytes);
    // In order, and one at a time.
    const next = shown ? shown.then(() => onPreview(preview)) : onPreview(preview);
    shown = next?.finally(() => memory.release(bytes));
    if (!shown) memory.release(bytes);
    // Whoever waits for it hears of a failure.
    shown?.catch(() => {});
  }

  function handle(event: GenerationEvent): void {
    check(event);
    const again = at++ < progress.taken;
    progress.taken = Math.max(progress.taken, at);
    if (event.type !== "progress") progress.shown = true;
    if (event.type === "image") {
      const { index, bytes, seed } = event;
      const { width, height, outputFormat: format } = job;
      const picture = put({ index, bytes, seed, width, height, format });
      picture.catch(() => {});
      pictures.push(picture);
    } else if (event.type === "done") done = event;
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

  /** Claims memory for what is to come; a promise where it has to be waited for. */
  function claim(): Promise<void> | undefined {
    const needs = done ? 0 : Math.max(reader.needs, whole);
    const more = needs - claimed;
    claimed = needs;
    if (more > 0) return memory.claim(more);
    if (more < 0) memory.release(-more);
    return undefined;
  }

  return {
    take(chunk) {
      const before = shown;
      handleAll(reader.push(chunk));
      const room = claim();
      const taken = shown === before ? undefined : shown;
      return room && taken ? Promise.all([room, taken]).then(() => {}) : (room ?? taken);
    },
    end() {
      handleAll(reader.end());
      whole = 0;
      claim();
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
      const { usage, notes } = done;
      return { pictures: await Promise.all(pictures), usage, notes: readNotes(notes) };
    },
    [Symbol.dispose]: memory[Symbol.dispose],
  };
}
