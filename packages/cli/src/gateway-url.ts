import type { Config } from "./config.ts";

const ANY_ADDRESS = ["0.0.0.0", "::", "[::]"];

/** Where the gateway of this configuration is: what was named, ATOMA_URL, or the configuration's own address. */
export function gatewayUrl(config: Config, named: string | undefined, env: NodeJS.ProcessEnv): string {
  const host = config.host === undefined || ANY_ADDRESS.includes(config.host) ? "127.0.0.1" : config.host;
  return named ?? env.ATOMA_URL ?? `http://${host.includes(":") ? `[${host}]` : host}:${config.port}`;
}
