import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { tool } from "./tools.ts";

/** The executable of an npm package of executables. `pattern` finds it among those of its platforms. */
export async function binary(name: string, version: string, pattern: string): Promise<string> {
  const modules = await tool(name, version);
  const [file = assert.fail(`no ${name} for ${process.platform} ${process.arch}`)] = globSync(pattern, {
    cwd: modules,
  });
  return join(modules, file);
}

export const denoBinary = () => binary("deno", "2.9.6", "@deno/*/deno{,.exe}");
