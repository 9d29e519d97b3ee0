// The `atoma` command. Node keeps compiled sources in a folder of this installation, for every start after the first.
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/atoma", import.meta.url));

enableCompileCache(CACHE);
// Processes that this one starts, such as a model's, use it too.
process.env.NODE_COMPILE_CACHE ??= CACHE;

const { run } = await import("./run.ts");
await run(process.argv.slice(2), process.env);
