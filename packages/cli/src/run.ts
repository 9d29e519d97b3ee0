import { isCommand } from "./command-help.ts";
import { VERSION } from "./version.ts";

const wantsHelp = (args: readonly string[]) => args.some((arg) => arg === "--help" || arg === "-h");

/** Help and version, which need nothing else to be loaded. Undefined where something is to be done. */
async function answerFor([command, ...args]: readonly string[]): Promise<string | undefined> {
  if (command === "version" || command === "--version" || command === "-v") return `${VERSION}\n`;
  const topic = command === "help" ? args[0] : isCommand(command) && wantsHelp(args) ? command : undefined;
  if (topic === undefined && command !== undefined && command !== "help" && !wantsHelp([command, ...args]))
    return undefined;
  const { helpFor } = await import("./help.ts");
  return helpFor(topic);
}

/** Runs the command line to its end. Errors are told on the standard error; the exit code is the process's. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const answer = await answerFor(args);
    if (answer === undefined) await (await import("./execute.ts")).execute(args, env);
    else process.stdout.write(answer);
  } catch (error) {
    const { tell } = await import("./tell.ts");
    const { text, exitCode } = tell(error);
    process.stderr.write(`atoma: ${text}\n`);
    process.exitCode = exitCode;
  }
}
