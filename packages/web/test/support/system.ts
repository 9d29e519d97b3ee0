import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { newDataDir, startUp, type Up } from "@atoma/cli/test-support/up";

const BUILD = fileURLToPath(new URL("../../scripts/build.ts", import.meta.url));

/** Builds the page, unless it is built already. */
export async function buildPage(): Promise<void> {
  await promisify(execFile)(process.execPath, [BUILD]);
}

/** What `npm start` runs: ledger, gateway, and a node with the embedded model, on a data folder of its own. */
export async function startSystem(...flags: string[]): Promise<Up> {
  await buildPage();
  return startUp(await newDataDir(), ...flags);
}
