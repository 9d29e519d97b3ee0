// npm start: installs what is missing, then builds the page and runs `atoma up` with the arguments given.
import { spawn } from "node:child_process";
import { installPackages, node24, root } from "./install.mjs";

const parent = process.ppid;
installPackages();
const main = `${root}packages/cli/src/main.ts`;
const args = ["--conditions=atoma-source", main, "up", ...process.argv.slice(2)];
const child = spawn(node24, args, { stdio: "inherit" });
// Beside it, because the API need not wait for the page. It ends at once when the page is built already.
const build = spawn(node24, [`${root}packages/web/scripts/build.ts`], { stdio: ["ignore", "ignore", "inherit"] });
// A terminal's Ctrl-C reaches the child by itself; a supervisor's SIGTERM reaches only us, or only npm, whose shell
// dies of it without passing it on.
process.on("SIGTERM", () => child.kill("SIGTERM"));
process.on("SIGINT", () => {});
const watch = setInterval(() => {
  if (process.env.npm_lifecycle_event === undefined || process.ppid === parent) return;
  clearInterval(watch);
  child.kill("SIGTERM");
}, 500);
child.on("exit", () => build.kill());
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGTERM" || signal === "SIGINT" ? 0 : 1)));
