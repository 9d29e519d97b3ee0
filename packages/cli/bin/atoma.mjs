#!/usr/bin/env node
// Runs the command's TypeScript source on this Node, which must be able to strip types.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const args = ["--conditions=atoma-source", main, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
process.exit(status ?? 1);
