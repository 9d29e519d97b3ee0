// The benchmarks' processes, as server.ts starts them, and requests to them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { join } from "node:path";

export interface Server {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly key?: string;
  /** What every request to it has besides. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StartOptions {
  readonly nodeFlags?: readonly string[];
  /** What the command begins with: `taskset -c 1`. */
  readonly pin?: readonly string[];
}

/** Starts a `node`, a `floor` or a `gateway`. */
export async function start(
  role: string,
  args: readonly string[] = [],
  { nodeFlags = [], pin = [] }: StartOptions = {},
): Promise<Server> {
  const script = join(import.meta.dirname, "server.ts");
  const whole = [...pin, process.execPath, "--conditions=atoma-source", ...nodeFlags, script, role, ...args];
  const [command = process.execPath, ...rest] = whole;
  const child = spawn(command, rest, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  const [ready] = await once(child, "message");
  return { child, pid: Number(child.pid), ...ready };
}

export async function stop({ child }: Server): Promise<void> {
  const exit = once(child, "exit");
  if (child.connected) child.disconnect();
  else child.kill();
  await exit;
}

/** Asks a process about itself: its `memory`, or the longest `stall` of its event loop since it was asked last. */
// biome-ignore lint/suspicious/noExplicitAny: what server.ts answers
export async function tell({ child }: Server, what: "cpu" | "memory" | "stall"): Promise<any> {
  child.send(what);
  const [answer] = await once(child, "message");
  return answer;
}

export const agent = new Agent({ keepAlive: true });

/** Milliseconds from a generation's request to the last byte of its answer. */
export function ask(
  { url, key, headers: own }: Pick<Server, "url" | "key" | "headers">,
  body: string,
  more: Record<string, string> = {},
): Promise<number> {
  const began = performance.now();
  const headers = {
    authorization: `Bearer ${key ?? "none"}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...own,
    ...more,
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/images/generations`, { method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.resume().once("end", () => resolve(performance.now() - began));
    });
    sent.once("error", reject).end(body);
  });
}
