// Makes sure that what package-lock.json asks for is installed. Plain JavaScript: it runs before anything is.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
/** Node 24 from the devDependency, whatever the machine has. */
export const node24 = `${root}node_modules/.bin/node`;

const stampFile = `${root}node_modules/.installed`;
const stamp = () =>
  createHash("sha256")
    .update(readFileSync(`${root}package-lock.json`))
    .digest("hex");

/** Notes which lock file was installed; npm's postinstall step runs it. */
export function markInstalled() {
  writeFileSync(stampFile, stamp());
}

/** Installs from the lock file unless that has been done; its output goes to stderr. Ends the process on failure. */
export function installPackages() {
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp() && existsSync(node24)) return;
  process.stderr.write("Installing npm packages…\n");
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  // npm from 11.16 on skips it as package.json says (allowScripts); older ones need the package's own variable.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const { status, error } = spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2], env });
  if (status !== 0) {
    process.stderr.write(`npm ci failed${error ? `: ${error.message}` : ""}\n`);
    process.exit(status ?? 1);
  }
}

const debian = [
  { file: "/usr/bin/chromium", packages: ["chromium"], why: "pages are tested in a real browser" },
  { file: "/usr/lib/postgresql", packages: ["postgresql"], why: "the ledger's tests run on a real PostgreSQL" },
];

/** Installs Debian's packages that the tests need, when that is possible; otherwise says what is missing and ends. */
export function installTestServers() {
  const missing = debian.filter(({ file }) => !existsSync(file));
  if (missing.length === 0) return;
  const packages = missing.flatMap((entry) => entry.packages);
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    for (const { packages: names, why } of missing) process.stderr.write(`Missing: ${names.join(" ")} (${why})\n`);
    process.stderr.write(`Install them, on Debian with: sudo apt-get install ${packages.join(" ")}\n`);
    process.exit(1);
  }
  process.stderr.write(`Installing ${packages.join(" ")}…\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", ...packages],
  ]) {
    const { status } = spawnSync("apt-get", args, { stdio: ["ignore", 2, 2], env });
    if (status !== 0) process.exit(status ?? 1);
  }
}
