import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock, Timer } from "../clock.ts";
import type { Endpoint } from "./endpoint.ts";

export interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable | undefined;
  /** The connection is closed after it. */
  readonly ownConnection?: boolean;
}

/** Takes an answer's body. Whatever it throws ends the exchange, and the connection with it. */
export interface BodyReader {
  /** A promise makes the server wait with what follows until it resolves. */
  take(chunk: Buffer): Promise<void> | undefined;
  /** The body has ended. */
  end(): void;
  /** Whether it has all that it wants; what still comes is passed over. */
  readonly complete: boolean;
}

/** What may come behind that which is wanted, so that the connection can be used again, and how long it may take. */
const MAX_REST_BYTES = 1024;
const REST_MS = 1000;

/**
 * Sends one request and reads its answer: the one loop that reads a server's body. Resolves when the reader is complete or the
 * body has ended; the end of the body is awaited behind that, because only then the connection serves the next request.
 * Rejects with the transport's error, with what the reader throws, and with the signal's reason.
 */
export function send(
  { pool, token }: { readonly pool: Dispatcher; readonly token: Endpoint["token"] },
  { method, path, headers, body, ownConnection }: Request,
  { signal, clock }: { readonly signal: AbortSignal; readonly clock: Clock },
  /** Called with the answer's status; may throw as a reader may. Undefined: nothing of the body is wanted. */
  onHead: (status: number, headers: IncomingHttpHeaders) => BodyReader | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let controller: Dispatcher.DispatchController | undefined;
    let reader: BodyReader | undefined;
    let over = false;
    let restBytes = 0;
    let restTimer: Timer | undefined;
    let failure: Error | undefined;

    function finish(): void {
      over = true;
      signal.removeEventListener("abort", onAbort);
      resolve();
    }
    function fail(error: unknown): void {
      if (over) return;
      over = true;
      signal.removeEventListener("abort", onAbort);
      reject(error);
    }
    /** The connection is of no more use. */
    function cut(error: unknown): void {
      fail(error);
      failure = error instanceof Error ? error : new Error("the answer is not wanted any more", { cause: error });
      controller?.abort(failure);
    }
    const onAbort = () => cut(signal.reason);
    signal.addEventListener("abort", onAbort);

    function passOver(bytes: number): void {
      restBytes += bytes;
      if (restBytes > MAX_REST_BYTES) controller?.abort(new Error("an answer with more behind its end"));
    }

    function finishEarly(): void {
      finish();
      restTimer = clock.setTimeout(() => controller?.abort(new Error("an answer without an end")), REST_MS);
    }
    function take(chunk: Buffer): void {
      const pause = reader?.take(chunk);
      if (reader?.complete) {
        finishEarly();
      } else if (pause) {
        controller?.pause();
        pause.then(() => controller?.resume(), cut);
      }
    }

    const credential = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    const options = {
      method,
      path,
      headers: { ...headers, ...credential },
      body: body ?? null,
      reset: ownConnection === true,
    };
    pool.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (failure) started.abort(failure);
      },
      onResponseStart(_controller, status, answerHeaders) {
        if (status < 200 || over) return;
        try {
          reader = onHead(status, answerHeaders);
          if (!reader) finishEarly();
        } catch (error) {
          cut(error);
        }
      },
      onResponseData(_controller, chunk) {
        if (over) return passOver(chunk.length);
        try {
          take(chunk);
        } catch (error) {
          cut(error);
        }
      },
      onResponseEnd() {
        clock.clearTimeout(restTimer);
        if (over) return;
        try {
          reader?.end();
          finish();
        } catch (error) {
          fail(error);
        }
      },
      onResponseError(_controller, error) {
        clock.clearTimeout(restTimer);
        fail(error);
      },
    });
  });
}
