interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
}

const KEY: unique symbol = Symbol.for("undici.globalDispatcher.1");

/**
 * Options of fetch that take away its patience limits: Node's gives up when headers, or the next bytes of a body, take longer
 * than 300 s, and pictures can. Every request is passed on to the dispatcher that is in force (a proxy that the user has set
 * included). Empty where fetch is not Node's.
 */
export function patience(): object | undefined {
  // Node loads its fetch, which sets the dispatcher, when Response is first touched: not before the first call, for it is slow.
  const current = Response && (globalThis as { [KEY]?: Dispatcher })[KEY]; // nothing declares its type
  if (!current) return undefined;
  const dispatcher: Dispatcher = Object.create(current);
  dispatcher.dispatch = (options, handler) =>
    current.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  return { dispatcher };
}
