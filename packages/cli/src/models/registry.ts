import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../usage-error.ts";

/** The embedded model's name here, and its folder. */
export const TINY = { name: "tiny", path: fileURLToPath(new URL("../../../../models/tiny", import.meta.url)) };

/** Where a pulled folder came from; the file lies in it. */
export const PULL_FILE = "atoma-pull.json";

export interface InstalledModel {
  readonly name: string;
  /** Without following a link, so that the folder's name is the model's. */
  readonly path: string;
  /** `org/name@commit`, a folder that was added, or the one that comes with Atoma. */
  readonly source: string;
}

/** A name of a model on this machine: a file name of letters, digits, `.`, `_` and `-`, not hidden. */
export const isModelName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u.test(name);

export const modelsFolder = (data: string): string => join(resolve(data), "models");

function sourceOf(path: string): string {
  if (lstatSync(path).isSymbolicLink()) return "added";
  const file = join(path, PULL_FILE);
  if (!existsSync(file)) return "copied";
  try {
    const pulled: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof pulled === "object" && pulled !== null && "repo" in pulled && "commit" in pulled) {
      return `${String(pulled.repo)}@${String(pulled.commit).slice(0, 12)}`;
    }
  } catch {
    // A file that cannot be read tells nothing of where the folder came from.
  }
  return "pulled";
}

/** The models of a data folder, by name, after the embedded one. */
export function installedModels(data: string): InstalledModel[] {
  const folder = modelsFolder(data);
  const names = existsSync(folder) ? readdirSync(folder).filter(isModelName).sort() : [];
  const installed = names
    .map((name) => ({ name, path: join(folder, name) }))
    .filter(({ path }) => existsSync(path) && statSync(path).isDirectory())
    .map((model) => ({ ...model, source: sourceOf(model.path) }));
  return [{ ...TINY, source: "comes with Atoma" }, ...installed];
}

/**
 * The folder that a name or path means: a folder of that path, otherwise an installed model. Throws UsageError naming those
 * that there are.
 */
export function findModel(data: string, nameOrPath: string): string {
  if (existsSync(join(nameOrPath, "model_index.json"))) return nameOrPath;
  const installed = installedModels(data);
  const found = installed.find(({ name }) => name === nameOrPath);
  if (found) return found.path;
  // The engine says what is wrong with a folder that is there.
  if (existsSync(nameOrPath)) return nameOrPath;
  const names = installed.map(({ name }) => name).join(", ");
  throw new UsageError(`there is no model folder and no installed model ${nameOrPath}; installed: ${names}`);
}
