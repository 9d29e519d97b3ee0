import type { Dispatcher } from "undici";
import type { Dialect } from "../dialects/dialect.ts";

/** A server that requests are sent to, as far as sending them needs to know it. */
export interface Endpoint {
  readonly name: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The gateway's own credential there. */
  readonly token: string | undefined;
  readonly dialect: Dialect;
  /** Whether its pictures are passed on without being decoded first. */
  readonly trusted: boolean;
  readonly pool: Dispatcher;
}
