import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy that breaks connections when it is told to: what a bad network does between gateway and node. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /**
   * Breaks the next connection that carries a generation: `request`: once the node has the request; `answer`: once this
   * many bytes of the answer have passed; `before`: before the node gets anything.
   */
  cutNext(when: "before" | "request" | { readonly answer: number }): void;
  readonly cuts: number;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  let plan: "before" | "request" | { readonly answer: number } | undefined;
  let cuts = 0;
  const sockets = new Set<Socket>();

  function cut(...both: Socket[]): void {
    plan = undefined;
    cuts++;
    for (const socket of both) socket.resetAndDestroy();
  }

  const server = createServer((client) => {
    const node = connect(Number(port), hostname);
    let passed = 0;
    let generating = false;
    for (const socket of [client, node]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        node.destroy();
      });
    }
    client.on("data", (chunk) => {
      generating ||= chunk.toString("latin1").startsWith("POST /v1/images/generations");
      if (generating && plan === "before") return cut(client, node);
      node.write(chunk, () => {
        // The node has read it once it answers something on another connection; here a moment is enough.
        if (generating && plan === "request") setTimeout(cut, 50, client, node);
      });
    });
    node.on("data", (chunk) => {
      passed += chunk.length;
      client.write(chunk);
      if (generating && typeof plan === "object" && passed >= plan.answer) cut(client, node);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNext(when) {
      plan = when;
    },
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
