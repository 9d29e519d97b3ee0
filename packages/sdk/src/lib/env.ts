interface Runtime {
  process?: { env?: Record<string, string | undefined>; versions?: Record<string, string | undefined> };
}

// Node, Deno (from 2) and Bun have it, others do not, and the types of none of them are loaded here.
const { process } = globalThis as Runtime;

/** An environment variable, read anew on each call. Undefined where there is no environment. */
export function env(name: string): string | undefined {
  try {
    return process?.env?.[name];
  } catch {
    return undefined; // Deno without --allow-env
  }
}

/** True on Node, Deno and Bun, where a `user-agent` may be set; a browser would ask the server for leave first. */
export function isServerRuntime(): boolean {
  return Boolean(process?.versions?.node);
}
