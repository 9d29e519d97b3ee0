import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Gateway, type GatewayOptions, startGateway } from "@atoma/gateway";
import { type AccountId, type Ledger, openLedger } from "@atoma/ledger";
import { startNode } from "@atoma/node";
import pino from "pino";
import { root } from "./up.ts";

/** A gateway before a real node. */
export interface Studio extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly nodeUrl: string;
  readonly ledger: Ledger;
  readonly accountId: AccountId;
  readonly key: string;
  readonly modelPids: () => readonly number[];
  available(): Promise<number>;
  pending(): Promise<number>;
}

export const MODEL = "atoma-tiny";
export const PLAIN_MODEL = "plain";

/** The tiny model's folder, with a card that promises no edits. */
async function plainFolder(folder: string): Promise<string> {
  const path = join(folder, "plain");
  const tiny = join(root, "models/tiny");
  await cp(tiny, path, { recursive: true, filter: (source) => !source.includes("training") });
  const card = join(path, "atoma.json");
  await writeFile(card, (await readFile(card, "utf8")).replace('"edits": true', '"edits": false'));
  return path;
}

/** With the tiny model, once as it is and once as a model without edits. */
export async function openStudio(): Promise<Studio> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-edits-"));
  return openStudioOf(folder, [
    { path: join(root, "models/tiny") },
    { path: await plainFolder(folder), id: PLAIN_MODEL },
  ]);
}

/** With these models; `folder` is for its data, and is removed at its end. */
export async function openStudioOf(
  folder: string,
  models: readonly { path: string; id?: string }[],
  more: Partial<GatewayOptions> = {},
): Promise<Studio> {
  const node = await startNode({ models, threads: 1 });
  await node.ready;
  const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`);
  const { id: accountId } = await ledger.createAccount({ name: "a" });
  await ledger.grant(accountId, 1_000_000_000, { reference: "start" });
  const { key } = await ledger.createKey({ accountId, name: "k" });
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger,
    log: pino({ level: "silent" }),
    nodes: [{ name: "n", url: node.url }],
    filesDir: join(folder, "files"),
    ...more,
  });
  const account = () => ledger.getAccount(accountId);
  return {
    gateway,
    nodeUrl: node.url,
    ledger,
    accountId,
    key,
    modelPids: () => node.modelPids,
    available: async () => (await account())?.available ?? Number.NaN,
    pending: async () => (await account())?.pending ?? Number.NaN,
    async [Symbol.asyncDispose]() {
      await gateway.close(0);
      await node.close(0);
      await ledger.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
