// Checks types, lint and format, builds the SDK, and runs every suite, or those whose path contains a word given.
// Runs on Node 24; `npm test` comes here through test.mjs.
import { spawn, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { node24, root } from "./install.mjs";

const words = process.argv.slice(2);

function step(name, args) {
  process.stdout.write(`${name}…\n`);
  const { status } = spawnSync(args[0], args.slice(1), { stdio: "inherit", cwd: root });
  if (status !== 0) {
    process.stdout.write(`${name} failed\n0 passed, 1 failed\n`);
    process.exit(1);
  }
}

const bin = `${root}node_modules/.bin/`;
if (words.length === 0) {
  step("Types", [`${bin}tsc`, "-b"]);
  step("Lint and format", [`${bin}biome`, "check", "--error-on-warnings", "."]);
}
step("Building the SDK", ["npm", "run", "--silent", "build", "--workspace", "atoma-sdk"]);

const files = globSync(["packages/*/test/**/*.test.ts", "scripts/test/*.test.ts"], { cwd: root })
  .filter((file) => !file.includes("node_modules") && (words.length === 0 || words.some((word) => file.includes(word))))
  .sort();
if (files.length === 0) {
  process.stdout.write(`no suite matches ${words.join(" ")}\n0 passed, 1 failed\n`);
  process.exit(1);
}
const runner = spawn(
  node24,
  [
    "--test",
    "--conditions=atoma-source",
    "--expose-gc",
    "--test-concurrency=2",
    "--test-timeout=300000",
    "--test-reporter=spec",
    ...files,
  ],
  { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
);
let tail = "";
runner.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  tail = (tail + chunk).slice(-65_536);
});
runner.on("close", (code) => {
  const figure = (name) => Number([...tail.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  const passed = figure("pass");
  const failed = Math.max(figure("fail") + figure("cancelled"), code === 0 ? 0 : 1);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exit(code === 0 && passed > 0 ? 0 : 1);
});
