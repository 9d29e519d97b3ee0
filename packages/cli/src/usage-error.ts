/** The command was used in a way that cannot work; its message is all the user needs. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
