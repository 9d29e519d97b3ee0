import { existsSync, lstatSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { usageOf } from "../command-help.ts";
import type { Config } from "../config.ts";
import { printJson } from "../json-option.ts";
import { progressBar } from "../models/progress-bar.ts";
import { findModel, installedModels, isModelName, modelsFolder, TINY } from "../models/registry.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";

const print = (line: string) => void process.stdout.write(`${line}\n`);

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { as: { type: "string" }, json: { type: "boolean", default: false } },
    });
  } catch {
    throw new UsageError(usageOf("models"));
  }
}

function checkedName(name: string): string {
  if (name === TINY.name) throw new UsageError(`${name}: this is the model that comes with Atoma; use --as NAME`);
  if (isModelName(name)) return name;
  throw new UsageError(`${name}: a model's name has letters, digits, '.', '_' and '-' only; use --as NAME`);
}

async function list(data: string, json: boolean): Promise<void> {
  const { summarize } = await import("../models/check-model.ts");
  const models = installedModels(data).map(({ name, path, source }) => ({
    name,
    source,
    path,
    problem: summarize(path).problem ?? null,
  }));
  if (json) return printJson(models);
  const rows = models.map(({ name, source, path, problem }) => [
    name,
    source,
    path,
    problem === null ? "" : `cannot be loaded: ${problem}`,
  ]);
  process.stdout.write(table(["MODEL", "FROM", "FOLDER", ""], rows));
}

async function show(path: string): Promise<void> {
  const { summarize } = await import("../models/check-model.ts");
  const { problem, lines } = summarize(path);
  print(`folder      ${resolve(path)}`);
  for (const line of lines) print(line);
  if (problem === undefined) return;
  print(`problem     ${problem}`);
  process.exitCode = 1;
}

async function check(path: string, threads: number): Promise<void> {
  const { tryModel } = await import("../models/check-model.ts");
  const seconds = await tryModel(path, threads);
  print(`${path} loads; its first step took ${seconds.toFixed(1)} s`);
}

async function add(data: string, folder: string, as: string | undefined): Promise<void> {
  const { summarize } = await import("../models/check-model.ts");
  const path = resolve(folder);
  const name = checkedName(as ?? basename(path));
  const { problem } = summarize(path);
  if (problem !== undefined) throw new UsageError(problem);
  const link = join(modelsFolder(data), name);
  if (existsSync(link)) throw new UsageError(`${name} is there already; remove it first, or use --as NAME`);
  await mkdir(modelsFolder(data), { recursive: true });
  // A junction is what Windows lets everybody make; elsewhere it is a plain link.
  await symlink(path, link, "junction");
  print(`${name} added; atoma node --models ${name} serves it`);
}

async function pullModel(
  config: Config,
  wanted: string,
  as: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const [, repo, revision = "main"] = /^([\w.-]+\/[\w.-]+)(?:@(.+))?$/u.exec(wanted) ?? [];
  if (repo === undefined) throw new UsageError(`${wanted}: expected ORG/NAME, as on the hub, or ORG/NAME@REVISION`);
  const name = checkedName(as ?? basename(repo));
  const { pull } = await import("../models/pull.ts");
  const bar = progressBar(process.stderr);
  try {
    const path = await pull({
      repo,
      revision,
      hubUrl: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/u, ""),
      accessToken: env.HF_TOKEN || undefined,
      folder: modelsFolder(config.data),
      name,
      onProgress: bar.show,
      wait: (attempt) => delay(1000 * 2 ** (attempt - 1)),
    });
    bar.end();
    await show(path);
  } finally {
    bar.end();
  }
}

async function remove(data: string, name: string): Promise<void> {
  const found = installedModels(data).find((model) => model.name === name);
  if (!found) throw new UsageError(`there is no installed model ${name}`);
  if (found.path === TINY.path) throw new UsageError(`${name} comes with Atoma and cannot be removed`);
  const linked = lstatSync(found.path).isSymbolicLink();
  await rm(found.path, { recursive: !linked });
  print(linked ? `${name} removed from the list; its folder is untouched` : `${name} removed`);
}

/** `atoma models …`: the models of this machine's data folder. */
export async function models(config: Config, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { values, positionals } = readFlags(args);
  const [action, subject, ...more] = positionals;
  if (more.length > 0) throw new UsageError(usageOf("models"));
  if (action === "list" && subject === undefined) return list(config.data, values.json);
  if (subject === undefined) throw new UsageError(usageOf("models"));
  switch (action) {
    case "show":
      return show(findModel(config.data, subject));
    case "check":
      return check(findModel(config.data, subject), config.node_threads);
    case "pull":
      return pullModel(config, subject, values.as, env);
    case "add":
      return add(config.data, subject, values.as);
    case "remove":
      return remove(config.data, subject);
    default:
      throw new UsageError(usageOf("models"));
  }
}
