import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const REPOSITORY = fileURLToPath(new URL("../../../..", import.meta.url));

/** A folder to run programs in, with the repository's packages. It is removed when the process ends. */
export function programFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "atoma-sdk-programs-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Runs a TypeScript program with the SDK from its source and gives what it printed. */
export async function runProgram(folder: string, file: string, args: string[] = [], key = "k"): Promise<string> {
  const env = { ...process.env, ATOMASDK_BEARER_AUTH: key };
  const flags = ["--conditions=atoma-source", file, ...args];
  return (await run(process.execPath, flags, { cwd: folder, env })).stdout;
}

export interface Program {
  readonly section: string;
  /** As it stands on the page. */
  readonly text: string;
}

/** The programs of a page under `docs/`: its blocks that are marked `ts run`. */
export function programsOf(page: string): Program[] {
  const text = readFileSync(join(REPOSITORY, "docs", page), "utf8");
  let section = page;
  const programs: Program[] = [];
  for (const [, heading, program] of text.matchAll(/^## (.+)\n|^```ts run\n([\s\S]*?)^```/gm)) {
    if (heading) section = heading;
    if (program) programs.push({ section, text: program });
  }
  return programs;
}

/** Writes a page's program to a file, for a server that is elsewhere. */
export function writeProgram(folder: string, { text }: Program, serverURL: string): string {
  const file = join(folder, "program.ts");
  writeFileSync(file, text.replaceAll("http://127.0.0.1:8080", serverURL));
  return file;
}
