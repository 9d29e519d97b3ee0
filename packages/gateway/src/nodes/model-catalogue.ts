import { type ApiError, errors, type ImageJob, type ModelCard } from "@atoma/contract";
import type { Node } from "./node.ts";

/** What the nodes offer together, at one time. */
export interface ModelCatalogue {
  readonly cards: readonly ModelCard[];
  find(id: string): ModelCard | undefined;
  /** Those that can do the job; where there are none, why one that has its model cannot: ApiError 400. */
  able(job: ImageJob): Able;
}

export interface Able {
  readonly nodes: ReadonlySet<Node>;
  readonly refusal: ApiError | undefined;
}

function refusalOf({ dialect, models }: Node, job: ImageJob): ApiError | undefined {
  const { id } = job.card;
  const edits = dialect.editRequest && models.some(({ card }) => card.id === id && card.edits);
  if (job.operation === "image_edit" && !edits) return errors.noEdits(id);
  return dialect.refusal(job);
}

/** Built once for as long as the nodes offer the same. Of two cards with one id the later node's counts. */
export function modelCatalogue(nodes: readonly Node[]): ModelCatalogue {
  const cards = new Map<string, ModelCard>();
  const offering = new Map<string, Set<Node>>();
  for (const node of nodes) {
    for (const { card } of node.models) {
      cards.set(card.id, card);
      const others = offering.get(card.id) ?? new Set();
      offering.set(card.id, others.add(node));
    }
  }
  return {
    cards: [...cards.values()],
    find: (id) => cards.get(id),
    able(job) {
      const able = new Set<Node>();
      let refusal: ApiError | undefined;
      for (const node of offering.get(job.card.id) ?? []) {
        const refused = refusalOf(node, job);
        if (refused) refusal ??= refused;
        else able.add(node);
      }
      return { nodes: able, refusal: able.size === 0 ? refusal : undefined };
    },
  };
}
