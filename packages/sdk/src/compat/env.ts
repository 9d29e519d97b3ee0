import { env as variable } from "../lib/env.ts";

/** The environment variables that a client reads. */
export interface Env {
  ATOMASDK_BEARER_AUTH?: string | undefined;
  ATOMASDK_SERVER_URL?: string | undefined;
  ATOMASDK_DEBUG?: boolean | undefined;
}

/** The variables as they are now: nothing is kept from the last time. `ATOMASDK_DEBUG` is true for `1` and `true`. */
export function env(): Env {
  const key = variable("ATOMASDK_BEARER_AUTH");
  const serverURL = variable("ATOMASDK_SERVER_URL");
  const debug = variable("ATOMASDK_DEBUG");
  return {
    ...(key !== undefined && { ATOMASDK_BEARER_AUTH: key }),
    ...(serverURL !== undefined && { ATOMASDK_SERVER_URL: serverURL }),
    ...(debug !== undefined && { ATOMASDK_DEBUG: /^(1|true)$/i.test(debug) }),
  };
}

/** @deprecated Does nothing, since `env` keeps nothing. */
export function resetEnv(): void {}
