import { ModelFolderError, type PictureMetadata, type ProviderChoice, startModelProcess } from "@atoma/engine";
import type { Logger } from "pino";
import { type ModelQueue, modelQueue } from "./model-queue.ts";
import type { ServedModel } from "./node-options.ts";

/** The models that a node serves, by id and alias. */
export interface ModelShelf {
  readonly queues: readonly ModelQueue[];
  /** Every id and alias with its model. */
  readonly names: readonly (readonly [string, ModelQueue])[];
  /** The model, where there is just one. */
  readonly only: ModelQueue | undefined;
  find(name: string): ModelQueue | undefined;
  /** Ids of the models. */
  modelNames(): readonly string[];
  /** Resolves when all are loaded; rejects when one cannot be. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface ShelfOptions {
  readonly models: readonly ServedModel[];
  readonly threads: number;
  readonly metadata: PictureMetadata;
  readonly concurrency: number;
  readonly provider: ProviderChoice;
  readonly unloadAfterMs: number | undefined;
  readonly maxQueue: number;
  readonly startMs: number;
  readonly logger: Logger;
}

function start({ path, id, noise }: ServedModel, options: ShelfOptions): ModelQueue {
  const { threads, metadata, concurrency, provider, unloadAfterMs, maxQueue, startMs, logger } = options;
  const process = startModelProcess({
    path,
    threads,
    metadata,
    concurrency,
    provider,
    ...(noise && { noise }),
    ...(unloadAfterMs !== undefined && { unloadAfterMs }),
    onRestart: (restart) => logger.warn({ path, ...restart }, "the model process ended and will be started again"),
  });
  const { card } = process.folder;
  process.ready.then(
    () => logger.info({ model: id ?? card.id, path, ...process.facts, ...process.timings }, "model loaded"),
    (err: unknown) => logger.error({ model: id ?? card.id, path, err }, "model not loaded"),
  );
  return modelQueue(process, { card: id === undefined ? card : { ...card, id }, maxQueue, startMs });
}

/** Starts the process of each model. Throws ModelFolderError when a folder is wrong or a name is taken twice. */
export function modelShelf(options: ShelfOptions): ModelShelf {
  const queues: ModelQueue[] = [];
  const byName = new Map<string, ModelQueue>();
  const close = async () => {
    await Promise.all(queues.map((queue) => queue.process.close()));
  };
  try {
    for (const model of options.models) {
      const queue = start(model, options);
      queues.push(queue);
      for (const name of [queue.card.id, ...queue.card.aliases]) {
        if (byName.has(name)) throw new ModelFolderError(`${model.path}: the name ${name} is taken by another model`);
        byName.set(name, queue);
      }
    }
  } catch (error) {
    void close();
    throw error;
  }
  const ready = Promise.all(queues.map((queue) => queue.process.ready)).then(() => {});
  // Whoever does not await it still sees the failure in the log and in /readyz.
  ready.catch(() => {});
  return {
    queues,
    names: [...byName],
    only: queues.length === 1 ? queues[0] : undefined,
    find: (name) => byName.get(name),
    modelNames: () => queues.map(({ card }) => card.id),
    ready,
    close,
  };
}
