const PARENT_POLL_MS = 500;

/**
 * Calls back once when the process that started us ends first. For npm's scripts only: npm's shell does not pass a signal
 * on but dies of it, and what it ran would go on, holding its port and its data folder.
 */
function onOrphaned(callback: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, PARENT_POLL_MS);
  timer.unref();
}

/** Resolves at the first SIGTERM or SIGINT, and when npm, which started us, has ended; a second signal ends the process at once. */
export function shutdownSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve();
      });
    }
    onOrphaned(resolve);
  });
}
