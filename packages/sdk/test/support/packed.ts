import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const env = { ...process.env, npm_config_update_notifier: "false" };
export const run = promisify(execFile);

export interface Packed {
  /** A folder with nothing but the package installed. */
  readonly folder: string;
  /** What `npm publish packages/sdk/dist` sends. */
  readonly tarball: string;
  /** Another such folder, that shares the installed package. */
  beside(name: string): string;
}

/** Builds the package, packs it, and installs it from the tarball. All of it is removed when the process ends. */
export async function packAndInstall(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), "atoma-sdk-pack-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Not from dist, which other suites use meanwhile.
  const built = join(folder, "built");
  await run(process.execPath, [join(ROOT, "scripts", "build.mjs"), built]);
  await run("npm", ["pack", "--pack-destination", folder], { cwd: built, env });
  const [name = ""] = globSync("*.tgz", { cwd: folder });
  const tarball = join(folder, name);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const flags = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...flags, tarball], { cwd: folder, env });
  return {
    folder,
    tarball,
    beside(name) {
      const place = join(folder, name);
      mkdirSync(place);
      symlinkSync(join(folder, "node_modules"), join(place, "node_modules"));
      return place;
    },
  };
}
