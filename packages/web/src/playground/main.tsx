import { takeSignInToken } from "../shared/session.ts";
import { createQueries, startApp } from "../shared/start-app.tsx";
import { App } from "./app.tsx";
import { createPlayground, PlaygroundProvider } from "./playground.ts";

const queries = createQueries();
const clock = {
  now: () => performance.now(),
  setTimeout: (run: () => void, ms: number) => window.setTimeout(run, ms),
  clearTimeout: (timer: number) => window.clearTimeout(timer),
};
const playground = createPlayground({ queries, clock, origin: location.origin, today: Date.now });

startApp(
  <PlaygroundProvider value={playground}>
    <App signInToken={takeSignInToken()} />
  </PlaygroundProvider>,
  queries,
);
