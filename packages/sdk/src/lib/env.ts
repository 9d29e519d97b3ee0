interface Runtime {
  process?: { env?: Record<string, string | undefined>; versions?: Record<string, string | undefined> };
  Deno?: { env: { get(name: string): string | undefined }; version: { deno: string } };
}

// The global object has these only on some platforms, and the types of none of them are loaded here.
const runtime = globalThis as Runtime;

/** An environment variable, read anew on each call. Undefined where there is no environment. */
export function env(name: string): string | undefined {
  try {
    return runtime.process?.env?.[name] ?? runtime.Deno?.env.get(name);
  } catch {
    return undefined; // Deno without --allow-env
  }
}

/** True on Node, Deno and Bun, where a `user-agent` may be set; a browser would ask the server for leave first. */
export function isServerRuntime(): boolean {
  return Boolean(runtime.process?.versions?.node ?? runtime.Deno);
}
