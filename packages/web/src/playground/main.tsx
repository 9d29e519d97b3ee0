import { takeSignInToken } from "../shared/session.ts";
import { startApp } from "../shared/start-app.tsx";
import { App } from "./app.tsx";

startApp(<App signInToken={takeSignInToken()} />);
