import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./packed.ts";

const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/atoma-sdk", import.meta.url));

/**
 * Installs an exact version of an npm package that is too large, or too much in the way of others, to be a dependency
 * of the repository. It is kept in `node_modules/.cache`; its install scripts are not run.
 * @returns the `node_modules` folder that has it, and for packages of binaries those of this platform
 */
export async function tool(name: string, version: string): Promise<string> {
  const place = join(CACHE, `${name}@${version}`);
  const modules = join(place, "node_modules");
  if (statSync(modules, { throwIfNoEntry: false })) return modules;
  // Installed beside and moved at the end, for two suites may want it at the same time.
  const next = `${place}.${process.pid}`;
  mkdirSync(next, { recursive: true });
  try {
    writeFileSync(join(next, "package.json"), '{ "private": true }');
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    await run("npm", ["install", ...flags, `${name}@${version}`], { cwd: next });
    renameSync(next, place);
  } catch (error) {
    if (!statSync(modules, { throwIfNoEntry: false })) throw error;
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  return modules;
}
