// Preloaded: after each step that changes a file or a database below the folder of the first argument, copies that folder to
// <second argument>/<number>. Such a copy is what a process that is killed there leaves behind.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

const [, , folder, snapshots] = process.argv;
let steps = 0;

function snapshot() {
  if (!fs.existsSync(folder)) return;
  // By another process: closing the database's file in this one would release SQLite's locks.
  const { status } = spawnSync("cp", ["-a", folder, `${snapshots}/${steps++}`], { stdio: "inherit" });
  if (status !== 0) process.exit(3);
}

/** @param counts whether a call with these arguments is a step */
function watched(method, counts = () => true) {
  return function step(...args) {
    const result = method.apply(this, args);
    if (counts(...args)) snapshot();
    return result;
  };
}

const inFolder = (path) => typeof path === "number" || String(path).startsWith(folder);
for (const name of ["mkdirSync", "openSync", "writeFileSync", "renameSync", "rmSync", "chmodSync", "truncateSync"]) {
  fs[name] = watched(fs[name], inFolder);
}
syncBuiltinESMExports();
DatabaseSync.prototype.exec = watched(DatabaseSync.prototype.exec);
const { run, all } = StatementSync.prototype;
StatementSync.prototype.run = watched(run);
StatementSync.prototype.all = watched(all);
