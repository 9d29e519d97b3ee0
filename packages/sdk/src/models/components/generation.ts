import type { OpenEnum } from "../../types/enums.ts";
import type { CreateImageResponse } from "./createimageresponse.ts";

/** A request whose pictures are made while nobody waits on a connection. Times are Unix time, whole seconds. */
export interface Generation {
  /** Missing where the server answered at once: then `result` is there. */
  id?: string;
  status: OpenEnum<"queued" | "running" | "succeeded" | "failed" | "cancelled">;
  model?: string;
  createdAt?: number;
  startedAt?: number;
  endedAt?: number;
  /** After it the server knows neither the generation nor its pictures. */
  expiresAt?: number;
  /** The pictures, once it has succeeded. */
  result?: CreateImageResponse;
  /** Why it has failed. */
  error?: {
    code?: string | undefined;
    message?: string | undefined;
    type?: string | undefined;
    param?: string | undefined;
  };
  /** How long the server asks to wait before it is asked again, ms. */
  retryAfterMs?: number;
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;
}
