import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { AtomaSDK } from "atoma-sdk";
import { createContext, useContext } from "react";
import { createStore, type Store } from "../shared/store.ts";
import { accountQuery } from "./account.ts";
import type { Draft, Source } from "./draft.ts";
import { createEasel, type Easel } from "./draw/easel.ts";
import type { Clock } from "./draw/server-answers.ts";
import { type Gallery, openGallery } from "./gallery/gallery.ts";
import { describePicture, keepPicture } from "./gallery/keep-picture.ts";
import type { Picture } from "./gallery/picture.ts";

/** What the views of the playground share. */
export interface Playground {
  readonly sdk: AtomaSDK;
  readonly gallery: Gallery;
  readonly easel: Easel;
  /** Undefined until the models are known. */
  readonly draft: Store<Draft | undefined>;
  /** Whether the next picture begins with words alone or with another picture. */
  readonly mode: Store<"words" | "picture">;
  readonly source: Store<Source | undefined>;
  /** Pictures that could not be kept in this browser, since the page was opened. */
  readonly unkept: Store<number>;
}

export const picturesKey = ["pictures"];

export function picturesQuery(gallery: Gallery) {
  return queryOptions({ queryKey: picturesKey, queryFn: () => gallery.list(), staleTime: Number.POSITIVE_INFINITY });
}

export interface PlaygroundNeeds {
  readonly queries: QueryClient;
  readonly origin: string;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly today: () => number;
}

export function createPlayground({ queries, origin, clock, today }: PlaygroundNeeds): Playground {
  const sdk = new AtomaSDK({ serverURL: origin });
  const gallery = openGallery();
  const unkept = createStore(0);
  const easel = createEasel({
    sdk,
    clock,
    async keep(order, drawn, units) {
      const picture = describePicture(order, drawn, units, today());
      try {
        await keepPicture(gallery, picture, drawn.blob);
        queries.setQueryData<readonly Picture[]>(picturesKey, (before) => before && [picture, ...before]);
      } catch {
        unkept.set((count) => count + 1); // it is paid for, so it is shown all the same
      }
      return picture;
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: accountQuery.queryKey }),
  });
  return {
    ...{ sdk, gallery, easel, unkept },
    draft: createStore<Draft | undefined>(undefined),
    mode: createStore<"words" | "picture">("words"),
    source: createStore<Source | undefined>(undefined),
  };
}

const PlaygroundContext = createContext<Playground | undefined>(undefined);
export const PlaygroundProvider = PlaygroundContext;

export function usePlayground(): Playground {
  const playground = useContext(PlaygroundContext);
  if (!playground) throw new Error("outside of the playground");
  return playground;
}
