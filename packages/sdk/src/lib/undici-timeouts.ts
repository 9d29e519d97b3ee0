interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
}

const KEY: unique symbol = Symbol.for("undici.globalDispatcher.1");

/**
 * Options of fetch that lift the timeouts of Node's fetch (undici): it gives up when the headers, or the next bytes of a body,
 * take longer than 300 s, and a picture can take longer. Every request goes on to the dispatcher that is in force, such as a
 * proxy that the user has set. Undefined where fetch is not Node's.
 */
export function withoutTimeouts(): object | undefined {
  // Node loads fetch, which sets the dispatcher, when Response is first read. Loading is slow, so it waits for the first call.
  const current = Response && (globalThis as { [KEY]?: Dispatcher })[KEY]; // no library of types declares it
  if (!current) return undefined;
  const dispatcher: Dispatcher = Object.create(current);
  dispatcher.dispatch = (options, handler) =>
    current.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  return { dispatcher };
}
