import { fileProblem } from "@atoma/ledger";

/**
 * Errors whose message is all that the user needs; of any other the stack is shown. By name, so that a command loads only
 * what it needs.
 */
const TOLD = new Set([
  "ListenError",
  "ModelFolderError",
  "PullError",
  "DataFolderError",
  "LedgerInUseError",
  "LedgerSchemaError",
]);

const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const isUsage = (error: unknown) =>
  error instanceof Error && (error.name === "UsageError" || codeOf(error).startsWith("ERR_PARSE_ARGS_"));

/** What lies behind a message that does not say it. */
function because({ message, cause }: Error): string {
  if (fileProblem(cause) !== undefined) return "";
  const reason = cause instanceof Error ? cause.message || codeOf(cause) : "";
  return reason === "" || message.includes(reason) ? "" : `: ${reason}`;
}

/** A file or folder that the system does not let us use. Undefined for errors of another kind. */
function fileError(error: Error): string | undefined {
  const problem = fileProblem(error);
  return problem !== undefined && "path" in error ? `${error.path}: ${problem}` : undefined;
}

/** An error in the words that the user gets, and the exit code: 2 where the command cannot have been meant. */
export function tell(error: unknown): { readonly text: string; readonly exitCode: 1 | 2 } {
  const exitCode = isUsage(error) ? 2 : 1;
  if (!(error instanceof Error)) return { text: "failed", exitCode };
  if (error.name === "LedgerUnavailableError") return { text: error.message + because(error), exitCode };
  const ofFile = fileError(error);
  if (ofFile !== undefined) return { text: ofFile, exitCode };
  // Errors of the SDK, which carry their attempts, say all there is to know in their message, too.
  const told = exitCode === 2 || TOLD.has(error.name) || "attempts" in error;
  return { text: told ? error.message : (error.stack ?? error.message), exitCode };
}
