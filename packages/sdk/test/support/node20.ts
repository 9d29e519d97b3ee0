import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tool } from "./tools.ts";

/** A Node 20: this machine's, or npm's. */
export async function node20(): Promise<string> {
  const folders = ["/usr/local/bin", "/usr/bin", ...(process.env.PATH ?? "").split(delimiter)];
  const own = folders
    .map((folder) => join(folder, "node"))
    .filter((file) => existsSync(file))
    .find((file) => execFileSync(file, ["--version"], { encoding: "utf8" }).startsWith("v20."));
  if (own) return own;
  const modules = await tool(`node-${process.platform}-${process.arch}`, "20.20.2");
  const [file = ""] = globSync("*/bin/node", { cwd: modules });
  return join(modules, file);
}
