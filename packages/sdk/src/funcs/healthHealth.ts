import { healthCheck } from "./healthCheck.ts";

/** @deprecated Renamed to `healthCheck`. */
export const healthHealth = healthCheck;
