interface Dispatcher {
  readonly isMockActive?: boolean;
  dispatch(options: object, handler: object): boolean;
}

const KEY: unique symbol = Symbol.for("undici.globalDispatcher.1");

function current(): Dispatcher | undefined {
  // Node's fetch keeps its dispatcher under this name; nothing declares its type.
  return (globalThis as { [KEY]?: Dispatcher })[KEY];
}

const patientDispatcher: Dispatcher = {
  get isMockActive() {
    return current()?.isMockActive ?? false;
  },
  dispatch(options, handler) {
    const dispatcher = current();
    if (!dispatcher) throw new TypeError("fetch has no dispatcher");
    return dispatcher.dispatch({ ...options, headersTimeout: 0, bodyTimeout: 0 }, handler);
  },
};

/**
 * Options of fetch that take away its patience limits: Node's gives up when headers, or the next bytes of a body, take longer
 * than 300 s, and pictures can. Every request is passed on to the dispatcher that is in force (a proxy that the user has set
 * included). Empty where fetch is not Node's.
 */
export function patience(): { dispatcher?: Dispatcher } {
  // Node loads its fetch, which sets the dispatcher, when Response is first touched: not before the first call, for it is slow.
  return typeof Response === "function" && current() ? { dispatcher: patientDispatcher } : {};
}
