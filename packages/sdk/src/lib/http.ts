import { SDKError } from "../models/errors/sdkerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import { checkHeaders } from "./headers.ts";

export type Awaitable<T> = T | Promise<T>;
export type RequestInput = Request | URL | string;
/** Called like `fetch`, with a `Request` first. The `init` repeats the signal, which a `Request` can lose. */
export type Fetcher = (input: RequestInput, init?: RequestInit) => Promise<Response>;
/** May return another request to send in the place of this one. */
// biome-ignore lint/suspicious/noConfusingVoidType: most hooks return nothing
export type BeforeRequestHook = (request: Request) => Awaitable<Request | undefined | void>;
export type RequestErrorHook = (error: unknown, request: Request) => Awaitable<void>;
/** To read the body, read a `response.clone()`. */
export type ResponseHook = (response: Response, request: Request) => Awaitable<void>;

export interface HTTPClientOptions {
  /** In the place of the global `fetch`. */
  fetcher?: Fetcher | undefined;
}

interface Hooks {
  beforeRequest: BeforeRequestHook;
  requestError: RequestErrorHook;
  response: ResponseHook;
}

type HookLists = { readonly [K in keyof Hooks]: readonly Hooks[K][] };

const NO_HOOKS: HookLists = { beforeRequest: [], requestError: [], response: [] };

/** Sends requests, with hooks before, after, and on failure. */
export class HTTPClient {
  readonly #fetcher: Fetcher | undefined;
  #hooks: HookLists;

  /** @param hooks those of the client that this one is a copy of */
  constructor({ fetcher }: HTTPClientOptions = {}, hooks: HookLists = NO_HOOKS) {
    this.#fetcher = fetcher;
    this.#hooks = hooks;
  }

  /** Adds a hook, called after those that are there. */
  addHook<K extends keyof Hooks>(name: K, hook: Hooks[K]): this {
    this.#hooks = { ...this.#hooks, [name]: [...this.#hooks[name], hook] };
    return this;
  }

  /** Removes a hook that was added with `addHook`. */
  removeHook<K extends keyof Hooks>(name: K, hook: Hooks[K]): this {
    this.#hooks = { ...this.#hooks, [name]: this.#hooks[name].filter((one) => one !== hook) };
    return this;
  }

  /** A client with the same fetcher and the hooks of now. */
  clone(): HTTPClient {
    return copyOf(this.#fetcher, this.#hooks);
  }

  /** @internal What the SDK would give to fetch. What a Request can carry, the hooks see; the rest, the signal above all, goes beside it. */
  async _fetch(url: URL, init: RequestInit): Promise<Response> {
    const { body: _body, headers: _headers, method: _method, ...rest } = init;
    return this.request(new Request(url, init), rest);
  }

  /**
   * Sends a request through the hooks and the fetcher.
   * @param init passed to the fetcher beside the request
   * @throws UnexpectedClientError when a hook throws, InvalidRequestError for a header that cannot be sent; otherwise what the
   * fetcher throws
   */
  async request(request: Request, init?: RequestInit): Promise<Response> {
    const { beforeRequest, requestError, response: afterResponse } = this.#hooks;
    let current = request;
    for (const hook of beforeRequest) {
      current = (await guard(() => hook(current))) ?? current;
    }
    checkHeaders(current.headers); // a hook may have set any
    let response: Response;
    try {
      response = await (this.#fetcher ?? fetch)(current, init);
    } catch (error) {
      for (const hook of requestError) await guard(() => hook(error, current));
      throw error;
    }
    for (const hook of afterResponse) await guard(() => hook(response, current));
    return response;
  }
}

// Not in the class: one that names itself has another name in the built package.
function copyOf(fetcher: Fetcher | undefined, hooks: HookLists): HTTPClient {
  return new HTTPClient({ fetcher }, hooks);
}

async function guard<T>(hook: () => Awaitable<T>): Promise<T> {
  try {
    return await hook();
  } catch (cause) {
    if (cause instanceof SDKError) throw cause;
    throw new UnexpectedClientError("A hook of the HTTPClient threw", { cause });
  }
}
