// npm test: installs what is missing, then runs the tests on Node 24. Must itself run on any Node from 20.
// `npm test -- gateway` runs only the suites whose path contains the word.
import { spawnSync } from "node:child_process";
import { installPackages, installTestServers, node24, root } from "./install.mjs";

installPackages();
installTestServers();
const args = [`${root}scripts/run-tests.mjs`, ...process.argv.slice(2)];
// npm puts its own Node first on the path for scripts; ours must come before it.
const env = { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` };
const { status } = spawnSync(node24, args, { stdio: "inherit", cwd: root, env });
process.exit(status ?? 1);
