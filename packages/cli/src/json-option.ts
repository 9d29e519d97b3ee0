import { parseArgs } from "node:util";
import { type CommandName, usageOf } from "./command-help.ts";
import { UsageError } from "./usage-error.ts";

/** The arguments of a command whose only option is `--json`. Throws UsageError with how it is used. */
export function readJsonOption(command: CommandName, args: readonly string[]) {
  try {
    const options = { json: { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { json: values.json, positionals };
  } catch {
    throw new UsageError(usageOf(command));
  }
}

/** One JSON value on the standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
