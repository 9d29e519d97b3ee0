import { type EditJob, errors } from "@atoma/contract";
import { uprightEdit } from "../pictures/upright.ts";
import type { Pictures } from "../upstream/attempt.ts";

/** The pictures of an edit, counted by a claim of memory. */
export type Upload = Pictures;

const isUpright = ({ images, mask }: EditJob) =>
  images.every(({ orientation }) => orientation === 1) && (mask?.orientation ?? 1) === 1;

/** `claim` is what the pictures' memory is counted by. */
export function openUpload(job: EditJob, claim: Disposable): Upload {
  let held: EditJob | undefined = job;
  const pictures = (): EditJob => {
    if (!held) throw errors.internal(new Error("the pictures of this edit were let go"));
    return held;
  };
  return {
    async request(dialect, assignment) {
      if (!dialect.editRequest) throw errors.noEdits(pictures().card.id);
      if (!dialect.turnsPictures && !isUpright(pictures())) {
        const turned = await uprightEdit(pictures());
        // Disposed of meanwhile, it stays so.
        held &&= turned;
      }
      return dialect.editRequest(pictures(), assignment);
    },
    [Symbol.dispose]: () => {
      if (!held) return;
      held = undefined;
      claim[Symbol.dispose]();
    },
  };
}
