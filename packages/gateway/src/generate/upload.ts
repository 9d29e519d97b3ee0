import { type EditJob, errors } from "@atoma/contract";
import type { Attempt, Dialect, NodeRequest } from "../dialects/dialect.ts";

/** The pictures of an edit on their way to a node. Disposed of, it holds no memory any more; doing that twice is fine. */
export interface Upload extends Disposable {
  /** Throws ApiError 400 when such nodes take no pictures. */
  request(dialect: Dialect, attempt: Attempt): NodeRequest;
}

/** `claim` is what the pictures' memory is counted by. */
export function openUpload(job: EditJob, claim: Disposable): Upload {
  let held: EditJob | undefined = job;
  return {
    request: (dialect, attempt) => {
      if (!held) throw errors.internal(new Error("the pictures of this edit were let go"));
      if (!dialect.editRequest) throw errors.noEdits(held.card.id);
      return dialect.editRequest(held, attempt);
    },
    [Symbol.dispose]: () => {
      if (!held) return;
      held = undefined;
      claim[Symbol.dispose]();
    },
  };
}
