// Runs the suites again and again beside a load that takes every core, to find tests that depend on how fast a machine is.
// `node scripts/stress.mjs [--times N] [--load N] [word…]`: 20 times and one loop a core where nothing is said; words as for `npm test`.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { root } from "./install.mjs";

const options = { times: { type: "string", default: "20" }, load: { type: "string" } };
const { values, positionals: words } = parseArgs({ options, allowPositionals: true });
const times = Number(values.times);
const loops = Number(values.load ?? availableParallelism());
if (!Number.isInteger(times) || times < 1 || !Number.isInteger(loops) || loops < 0) {
  process.stderr.write("usage: node scripts/stress.mjs [--times N] [--load N] [word…]\n");
  process.exit(2);
}

/** Processes that do nothing but take time of a core; they end with this one. */
function startLoad() {
  const source =
    "process.on('disconnect', () => process.exit()); (function turn() { const end = Date.now() + 50; while (Date.now() < end); setImmediate(turn); })()";
  const stdio = ["ignore", "ignore", "inherit", "ipc"];
  return Array.from({ length: loops }, () => spawn(process.execPath, ["-e", source], { stdio }));
}

/** One run of the suites: what it printed last, and which tests failed. */
function runSuites() {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`${root}scripts/test.mjs`, ...words], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const failed = new Set();
    let rest = "";
    let last = "";
    const read = (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const name = /^\s*✖ (.+?) \(\d/.exec(line)?.[1];
        if (name !== undefined) failed.add(name);
        if (line.trim() !== "") last = line;
      }
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.resume();
    child.on("close", (code) => resolve({ code, failed: [...failed], last }));
  });
}

const load = startLoad();
const failures = new Map();
let green = 0;
try {
  for (let round = 1; round <= times; round++) {
    const begun = Date.now();
    const { code, failed, last } = await runSuites();
    if (code === 0) green += 1;
    for (const name of failed) failures.set(name, (failures.get(name) ?? 0) + 1);
    const seconds = Math.round((Date.now() - begun) / 1000);
    process.stdout.write(`${String(round).padStart(String(times).length)} of ${times}  ${seconds} s  ${last}\n`);
  }
} finally {
  for (const child of load) child.kill("SIGKILL");
}
for (const [name, count] of [...failures].sort(([, a], [, b]) => b - a)) {
  process.stdout.write(`failed ${count} of ${times} times: ${name}\n`);
}
process.stdout.write(
  `${green} of ${times} runs were green beside ${loops} busy loops on ${availableParallelism()} cores\n`,
);
process.exit(green === times ? 0 : 1);
