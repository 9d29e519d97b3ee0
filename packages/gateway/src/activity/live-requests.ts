import type { ImageJob } from "@atoma/contract";
import type { AccountId, KeyId } from "@atoma/ledger";
import type { OnPreview } from "../upstream/answer-body.ts";

/** What this gateway is at for one request. */
export interface LiveRequest {
  readonly id: string;
  readonly accountId: AccountId;
  readonly keyId: KeyId;
  readonly job: ImageJob;
  readonly units: number;
  /** ms since the epoch. */
  readonly startedAt: number;
  /** The node that has it; undefined while it waits for one. */
  readonly node: string | undefined;
  /** Of how many, as the node last said. */
  readonly step: number | undefined;
  readonly steps: number | undefined;
}

/** Disposed of when the request has ended. */
export interface Followed extends Disposable {
  /** A node has taken it, or has given it back. */
  onNode(name: string | undefined): void;
  /** The same previews, which also say how far it is. */
  following(onPreview: OnPreview): OnPreview;
}

export interface LiveRequests {
  follow(request: Omit<LiveRequest, "node" | "step" | "steps">): Followed;
  /** Oldest first. */
  list(): readonly LiveRequest[];
}

export function openLiveRequests(): LiveRequests {
  const live = new Set<LiveRequest>();
  return {
    follow(request) {
      const followed: { -readonly [Name in keyof LiveRequest]: LiveRequest[Name] } = {
        ...request,
        node: undefined,
        step: undefined,
        steps: undefined,
      };
      live.add(followed);
      return {
        onNode: (node) => void Object.assign(followed, { node, step: undefined, steps: undefined }),
        following: (onPreview) => (preview) => {
          if (preview.type === "progress") {
            followed.step = preview.step;
            followed.steps = preview.steps;
          }
          return onPreview(preview);
        },
        [Symbol.dispose]: () => void live.delete(followed),
      };
    },
    list: () => [...live],
  };
}
