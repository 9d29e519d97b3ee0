/** OpenAI's error envelope; all four keys are always present. */
export interface ErrorEnvelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface ErrorDetails {
  readonly param?: string | null;
  readonly code?: string | null;
  readonly type?: string;
  /** Advice for clients: sent as `retry-after` (whole seconds, 1 to 60) and `retry-after-ms`. */
  readonly retryAfterMs?: number;
  /** Sent as `x-should-retry`; false on conditions that a retry cannot mend. */
  readonly shouldRetry?: boolean;
  /** Further headers this error must carry. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error a client may see. Everything in it is public: no secrets, prompts, node addresses or stack traces. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = status;
    this.type = details.type ?? (status >= 500 ? "server_error" : "invalid_request_error");
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    const headers: Record<string, string> = { ...details.headers };
    if (details.retryAfterMs !== undefined) {
      const ms = Math.min(60_000, Math.max(1, Math.ceil(details.retryAfterMs)));
      headers["retry-after"] = String(Math.ceil(ms / 1000));
      headers["retry-after-ms"] = String(ms);
    }
    if (details.shouldRetry !== undefined) headers["x-should-retry"] = String(details.shouldRetry);
    this.headers = headers;
  }

  envelope(): ErrorEnvelope {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}
