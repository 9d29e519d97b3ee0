// What `atoma up` does with a data folder at a first start, without its node and gateway: prints the credentials.
import { ownLedger } from "@atoma/ledger";
import { readConfig } from "../../src/config.ts";
import { ensureCredentials } from "../../src/credentials.ts";
import { databaseUrl, lockDataFolder } from "../../src/data-folder.ts";

const config = readConfig({ flags: { data: process.argv[2] }, env: {} });
using _ = lockDataFolder(config);
const ledger = await ownLedger(databaseUrl(config));
process.stdout.write(JSON.stringify(await ensureCredentials(config, ledger)));
await ledger.close();
