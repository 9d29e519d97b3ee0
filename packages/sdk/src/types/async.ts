import { type Result, unwrap } from "./fp.ts";

/** How far a call came, with what was sent and received. The key in `request` is masked. */
export type APICall =
  | { status: "complete"; request: Request; response: Response }
  | { status: "request-error"; request: Request }
  | { status: "invalid" };

/** A value with the HTTP answer it was read from. `response` is missing when no answer came. */
export interface WithResponse<T> {
  data: T;
  response: Response | undefined;
  requestId: string | undefined;
}

/**
 * A promise that can also tell about the HTTP exchange behind it.
 *
 * `then` is derived only when somebody asks for it: a promise derived in the constructor would reject
 * unhandled and end the process although the caller caught the error.
 */
export class APIPromise<T> extends Promise<T> {
  readonly #settled: Promise<[T, APICall]>;

  constructor(settled: Promise<[T, APICall]>) {
    // The base promise is never looked at: `then` is answered from `settled`, and `catch` and `finally` call `then`.
    super(() => {});
    this.#settled = settled;
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // biome-ignore lint/suspicious/noThenProperty: this class is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#settled.then(([value]) => value).then(onFulfilled, onRejected);
  }

  /** Resolves to the value and the request and response behind it. */
  $inspect(): Promise<[T, APICall]> {
    return this.#settled;
  }

  /** Resolves to the value with the `Response` (its body is already read) and the server's request id. */
  async withResponse(): Promise<WithResponse<T>> {
    const [data, call] = await this.#settled;
    const { response } = call as { response?: Response }; // one that is not complete has none
    return { data, response, requestId: response?.headers.get("x-request-id") ?? undefined };
  }
}

/** Turns a call that resolves to a `Result` into one that resolves to its value and rejects with its error. */
export function throwing<T>(call: APIPromise<Result<T, unknown>>): APIPromise<T> {
  return new APIPromise(call.$inspect().then(([result, exchange]) => [unwrap(result), exchange]));
}
