import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ANSWER } from "./support/calls.ts";
import { node20 } from "./support/node20.ts";
import { run } from "./support/packed.ts";
import { json, serve } from "./support/server.ts";

const folder = mkdtempSync(join(tmpdir(), "atoma-sdk-tls-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Makes a certificate that signs itself. With `days` −1 it expired yesterday. */
function certificate(name: string, alternative: string, days: number) {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${alternative}`];
  const files = ["-keyout", key, "-out", cert];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", ...subject, ...files];
  execFileSync("openssl", args, { stdio: "pipe" });
  // Signed again, since the first command makes none that has expired.
  execFileSync("openssl", ["x509", "-in", cert, "-signkey", key, "-days", String(days), "-out", cert], {
    stdio: "pipe",
  });
  return { file: cert, options: { key: readFileSync(key), cert: readFileSync(cert) } };
}

const good = certificate("good", "IP:127.0.0.1", 2);
const otherName = certificate("other", "DNS:other.example", 2);
const expired = certificate("expired", "IP:127.0.0.1", -1);

/** A real HTTPS server; counts the requests that came through the handshake. */
async function serveTLS(t: TestContext, { options }: typeof good, handler: (response: ServerResponse) => void) {
  const seen: IncomingMessage[] = [];
  const server = createServer(options, (request, response) => {
    seen.push(request);
    request.resume().on("end", () => handler(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  return { url: `https://127.0.0.1:${port}`, seen };
}

const redirect = (to: string) => (response: ServerResponse) => response.writeHead(307, { location: to }).end();
const client = fileURLToPath(new URL("support/tls-client.mjs", import.meta.url));

for (const [name, node] of [
  ["Node 24", process.execPath],
  ["Node 20", await node20()],
] as const) {
  /** Asks, trusting the certificate given. */
  async function ask(url: string, trusted = good): Promise<unknown> {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: trusted.file, NODE_OPTIONS: "" };
    return JSON.parse((await run(node, [client, url], { env })).stdout);
  }

  test(`K-044 a redirect from https to http is not followed, on ${name}`, async (t) => {
    const plain = await serve(t, (response) => json(response, ANSWER));
    const secure = await serveTLS(t, good, redirect(`${plain.url}/v1/images/generations`));
    assert.deepEqual(await ask(secure.url), { name: "APIError", status: 307, attempts: 1 });
    assert.equal(secure.seen.length, 1);
    assert.equal(plain.connections(), 0);
  });

  test(`K-044 a redirect to https is followed, without the key to another origin, on ${name}`, async (t) => {
    const target = await serveTLS(t, good, (response) => json(response, ANSWER));
    const secure = await serveTLS(t, good, redirect(`${target.url}/v1/images/generations`));
    const plain = await serve(t, redirect(`${target.url}/v1/images/generations`));
    for (const { url } of [secure, plain]) assert.deepEqual(await ask(url), { pictures: 1 });
    assert.match(String(secure.seen[0]?.headers.authorization), /^Bearer sk-/);
    assert.deepEqual(
      target.seen.map(({ method, headers }) => [method, headers.authorization, headers["content-type"]]),
      Array(2).fill(["POST", undefined, "application/json"]),
    );
  });

  for (const [what, presented, trusted, cause] of [
    ["nobody trusts", good, otherName, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["is for another name", otherName, otherName, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["has expired", expired, expired, "CERT_HAS_EXPIRED"],
  ] as const) {
    test(`K-025 a certificate that ${what} is a ConnectionError after one attempt, on ${name}`, async (t) => {
      const server = await serveTLS(t, presented, (response) => json(response, ANSWER));
      assert.deepEqual(await ask(server.url, trusted), { name: "ConnectionError", cause, attempts: 1 });
      assert.equal(server.seen.length, 0, "nothing was sent");
    });
  }
}
