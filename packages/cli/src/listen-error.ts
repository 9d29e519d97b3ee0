import type { Config } from "./config.ts";

/** A server cannot have the address that it was told to listen on; its message is all the user needs. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? error.code : undefined);

/** What `listen` was refused for, in words. Undefined for any other failure. */
function reasonOf(error: unknown, { host, port }: Pick<Config, "host" | "port">): string | undefined {
  switch (codeOf(error)) {
    case "EADDRINUSE":
      return `port ${port} of ${host} is in use; choose another with --port`;
    case "EACCES":
      return `this user may not listen on port ${port}; choose another with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `this machine has no address ${host}; choose another with --host`;
    default:
      return undefined;
  }
}

/** Waits for a server that is about to listen where the configuration says. Throws ListenError when it cannot. */
export async function listening<T>(server: Promise<T>, config: Pick<Config, "host" | "port">): Promise<T> {
  try {
    return await server;
  } catch (error) {
    const reason = reasonOf(error, config);
    throw reason === undefined ? error : new ListenError(reason, { cause: error });
  }
}
