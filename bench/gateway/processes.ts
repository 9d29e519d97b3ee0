// The benchmarks' processes, as server.ts starts them, and requests to them.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { join } from "node:path";

export interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly key?: string;
}

/** Starts a `node`, a `floor` or a `gateway`. */
export async function start(
  role: string,
  args: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Server> {
  const execArgv = ["--conditions=atoma-source", ...nodeFlags];
  const child = fork(join(import.meta.dirname, "server.ts"), [role, ...args], { execArgv });
  const [ready] = await once(child, "message");
  return { child, ...ready };
}

export async function stop({ child }: Server): Promise<void> {
  child.disconnect();
  await once(child, "exit");
}

/** Asks a process about itself: its `cpu` or its `memory`. */
// biome-ignore lint/suspicious/noExplicitAny: what server.ts answers
export async function tell({ child }: Server, what: "cpu" | "memory"): Promise<any> {
  child.send(what);
  const [answer] = await once(child, "message");
  return answer;
}

export const agent = new Agent({ keepAlive: true });

/** Milliseconds from a generation's request to the last byte of its answer. */
export function ask({ url, key }: Server, body: string, more: Record<string, string> = {}): Promise<number> {
  const began = performance.now();
  const headers = {
    authorization: `Bearer ${key ?? "none"}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
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
