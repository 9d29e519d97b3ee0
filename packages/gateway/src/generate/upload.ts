import { type EditJob, errors } from "@atoma/contract";
import type { Pictures } from "../upstream/attempt.ts";

/** The pictures of an edit, counted by a claim of memory. */
export type Upload = Pictures;

/** `claim` is what the pictures' memory is counted by. */
export function openUpload(job: EditJob, claim: Disposable): Upload {
  let held: EditJob | undefined = job;
  return {
    request: (dialect, assignment) => {
      if (!held) throw errors.internal(new Error("the pictures of this edit were let go"));
      if (!dialect.editRequest) throw errors.noEdits(held.card.id);
      return dialect.editRequest(held, assignment);
    },
    [Symbol.dispose]: () => {
      if (!held) return;
      held = undefined;
      claim[Symbol.dispose]();
    },
  };
}
