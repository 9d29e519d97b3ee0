import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";

const folder = mkdtempSync(join(tmpdir(), "atoma-tls-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

const openssl = (...args: string[]) => void execFileSync("openssl", args, { stdio: "pipe" });

function issued(name: string, signing: readonly string[], extensions: string): Certificate {
  const at = (end: string) => join(folder, `${name}.${end}`);
  const [keyFile, certFile, request, more] = [at("key"), at("crt"), at("csr"), at("ext")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-new", ...curve, "-subj", `/CN=${name}`, "-keyout", keyFile, "-out", request);
  writeFileSync(more, extensions);
  openssl("x509", "-req", "-in", request, "-days", "2", "-extfile", more, "-out", certFile, ...signing);
  return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

/** An authority and what it signs. */
export interface Authority extends Certificate {
  /** `names` as in `subjectAltName`: `IP:127.0.0.1`, `DNS:node.example`. */
  issue(name: string, names?: string): Certificate;
}

/** Makes one of its own, with Debian's openssl. */
export function newAuthority(name: string): Authority {
  const keyFile = join(folder, `${name}.key`);
  const authority = issued(name, ["-signkey", keyFile], "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign");
  const signing = ["-CA", authority.certFile, "-CAkey", authority.keyFile, "-CAcreateserial"];
  return {
    ...authority,
    issue: (subject, names = "IP:127.0.0.1") => issued(`${name}-${subject}`, signing, `subjectAltName=${names}`),
  };
}

/** A server that ends TLS and passes on what is inside, as a reverse proxy before a node. */
export interface TlsFront extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Subjects of the clients whose handshake was completed. */
  readonly clients: (string | undefined)[];
  /** Closes every connection now. */
  cut(): void;
}

export async function startTlsFront(target: string, options: TlsOptions, port = 0): Promise<TlsFront> {
  const inner = Number(new URL(target).port);
  const open = new Set<TLSSocket>();
  const clients: (string | undefined)[] = [];
  const server = createServer(options, (socket) => {
    clients.push(String(socket.getPeerCertificate().subject?.CN));
    const inside = connect(inner, "127.0.0.1");
    open.add(socket);
    socket
      .on("error", () => {})
      .on("close", () => {
        open.delete(socket);
        inside.destroy();
      });
    inside.on("error", () => {}).on("close", () => socket.destroy());
    socket.pipe(inside).pipe(socket);
  });
  server.on("tlsClientError", () => {});
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo; // listening on TCP
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `https://127.0.0.1:${address.port}`,
    port: address.port,
    clients,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
