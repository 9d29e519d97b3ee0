import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** A server that passes everything on to another one, and keeps what was asked. */
export interface Recorder extends AsyncDisposable {
  readonly url: string;
  readonly seen: Recorded[];
  /** What is answered instead of passing it on; undefined: it is passed on. */
  answer:
    | ((asked: Recorded) => { readonly status: number; readonly headers: Record<string, string> } | undefined)
    | undefined;
}

export async function startRecorder(target: string): Promise<Recorder> {
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const asked = { method, path: url, headers };
    recorder.seen.push(asked);
    const instead = recorder.answer?.(asked);
    if (instead) {
      outgoing.writeHead(instead.status, instead.headers).end();
      return;
    }
    const inner = request(target + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    inner.on("error", () => outgoing.destroy());
    outgoing.on("close", () => inner.destroy());
    incoming.pipe(inner);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // listening on TCP
  const recorder: Recorder = {
    url: `http://127.0.0.1:${port}`,
    seen: [],
    answer: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return recorder;
}
