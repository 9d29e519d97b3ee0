import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const run = promisify(execFile);
const BIN = process.env.ATOMA_POSTGRES_BIN ?? "/usr/lib/postgresql/15/bin";
const START_TIMEOUT_MS = 30_000;

export interface TestPostgres {
  /** `postgres://…` of an empty database. */
  url: string;
  /** Creates another empty database on the same server and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** The server's process id. */
  pid(): number;
  /** Stops the server at once, as a crash does, and leaves its files. */
  kill(): Promise<void>;
  /** Starts the server on the same files and port again. */
  restart(): Promise<void>;
  /** Stops the server and removes its files. */
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root: then it runs as Debian's user `postgres`. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, "postgres"])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Reads the server's log until it says that it is ready. */
async function ready(server: ChildProcess): Promise<void> {
  let log = "";
  let started = false;
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`PostgreSQL did not start: ${reason}\n${log}`));
    const timer = setTimeout(() => fail("too slow"), START_TIMEOUT_MS);
    server.once("error", (error) => fail(error.message));
    server.once("exit", (code) => fail(`exit ${code}`));
    server.stderr?.on("data", (chunk: Buffer) => {
      if (started) return;
      log += chunk.toString();
      started = log.includes("ready to accept connections");
      if (!started) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Starts a private PostgreSQL in a temporary folder, on a loopback port of its own. Stop it with `stop`. */
export async function startPostgres(): Promise<TestPostgres> {
  const user = await serverUser();
  const folder = await mkdtemp(join(tmpdir(), "atoma-postgres-"));
  const data = join(folder, "data");
  await chmod(folder, 0o700);
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  await run(join(BIN, "initdb"), ["-D", data, "-U", "atoma", "-A", "trust", "-E", "UTF8", "--locale=C"], {
    ...user,
    cwd: folder,
  });
  const port = await freePort();
  const base = `postgres://atoma@127.0.0.1:${port}`;
  const flags = [
    "-D",
    data,
    "-p",
    String(port),
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    `unix_socket_directories=${folder}`,
  ];

  async function start(): Promise<ChildProcess> {
    const child = spawn(join(BIN, "postgres"), flags, { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    await ready(child);
    return child;
  }

  async function end(signal: "SIGINT" | "SIGQUIT"): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, "exit");
    server.kill(signal);
    await exited;
  }

  async function createDatabase(name: string): Promise<string> {
    await run(join(BIN, "createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "atoma", name]);
    return `${base}/${name}`;
  }

  let server = await start();
  // A test process that ends early takes its server with it.
  process.once("exit", () => server.kill("SIGQUIT"));
  return {
    url: `${base}/postgres`,
    createDatabase,
    pid: () => server.pid ?? 0,
    kill: () => end("SIGQUIT"),
    async restart() {
      server = await start();
    },
    async stop() {
      await end("SIGINT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
