import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between a client and a server, and breaks their connections where it is told to. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /**
   * Waits for a client's bytes with this text in them. Then either they are lost, or what PostgreSQL says when it has committed
   * them; and with it every connection. Further ones break at once until `restore`. Resolves when that has happened.
   */
  breakAt(text: string, lost: "request" | "answer"): Promise<void>;
  restore(): void;
}

/** PostgreSQL's ReadyForQuery: an answer is complete. Its last byte tells whether a transaction is open. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);
const COMMITTED = Buffer.from([...READY, 0x49]);

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let broken = false;
  let plan: { text: string; lost: "request" | "answer"; done: () => void } | undefined;

  function breakAll(done: () => void): void {
    broken = true;
    plan = undefined;
    for (const socket of sockets) socket.resetAndDestroy();
    done();
  }

  function join(client: Socket): void {
    const server = connect(targetPort, "127.0.0.1");
    let swallowing: (() => void) | undefined;
    let held: Buffer[] = [];
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on("data", (bytes) => {
      const met = plan !== undefined && bytes.includes(plan.text) ? plan : undefined;
      if (met?.lost === "request") return breakAll(met.done);
      if (met) {
        plan = undefined;
        swallowing = met.done;
      }
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      held.push(bytes);
      const answer = Buffer.concat(held);
      if (swallowing && answer.includes(COMMITTED)) return breakAll(swallowing);
      if (swallowing && !answer.includes(READY)) return;
      client.write(answer);
      held = [];
    });
  }

  const listener = createServer((client) => {
    if (broken) client.on("error", () => {}).resetAndDestroy();
    else join(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port, // listening on TCP
    breakAt(text, lost) {
      return new Promise((done) => {
        plan = { text, lost, done };
      });
    },
    restore() {
      broken = false;
      plan = undefined;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, "close");
    },
  };
}
