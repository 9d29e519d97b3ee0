import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { NodeTls } from "@atoma/gateway";
import type { Config } from "./config.ts";
import { UsageError } from "./usage-error.ts";

function readText(path: string, key: string): string {
  try {
    return readFileSync(resolve(path), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new UsageError(`${key}: cannot read ${path}${code}`);
  }
}

/** Certificates in a file; what is wrong with it is told with the setting's name. */
function readCertificates(path: string, key: string): string {
  const pem = readText(path, key);
  try {
    new X509Certificate(pem);
  } catch {
    throw new UsageError(`${key}: ${path} holds no certificate in PEM`);
  }
  return pem;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate and its private key. `names` are their settings'. */
function readPair(paths: Pair, names: Pair): Pair {
  const cert = readCertificates(paths.cert, names.cert);
  const key = readText(paths.key, names.key);
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new UsageError(`${names.key}: ${paths.key} holds no private key in PEM, or one with a passphrase`);
  }
  if (!fits) throw new UsageError(`${names.key}: the key in ${paths.key} is not that of the certificate`);
  return { cert, key };
}

/** What `tls` of a node names: files, read now. Throws UsageError that begins with `at`. */
export function readNodeTls(value: unknown, url: string, at: string): NodeTls | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(`${at}.tls: expected a table of ca, cert and key`);
  }
  const table: Readonly<Record<string, unknown>> = { ...value };
  const unknown = Object.keys(table).find((name) => !["ca", "cert", "key"].includes(name));
  if (unknown !== undefined) throw new UsageError(`${at}.tls.${unknown}: unknown key`);
  const pathOf = (name: string) => {
    const path = table[name];
    if (path === undefined || (typeof path === "string" && path !== "")) return path;
    throw new UsageError(`${at}.tls.${name}: expected the path of a file`);
  };
  return readClientTls({ ca: pathOf("ca"), cert: pathOf("cert"), key: pathOf("key") }, url, `${at}.tls`);
}

type TlsFiles = { readonly [K in keyof NodeTls]: string | undefined };

/** The files by which a gateway and an https node know each other. Throws UsageError that begins with `at`. */
export function readClientTls({ ca, cert, key }: TlsFiles, url: string, at: string): NodeTls {
  if (new URL(url).protocol !== "https:") throw new UsageError(`${at}: expected an https url beside it`);
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError(`${at}: expected both cert and key, or neither`);
  return {
    ...(ca !== undefined && { ca: readCertificates(ca, `${at}.ca`) }),
    ...(cert !== undefined && key !== undefined && readPair({ cert, key }, { cert: `${at}.cert`, key: `${at}.key` })),
  };
}

/** What `atoma node` serves TLS with, where it does. Throws UsageError with the setting's name. */
export function serverTls(config: Config) {
  const { node_tls_cert: cert, node_tls_key: key, node_tls_client_ca: clientCa } = config;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("node_tls_cert, node_tls_key: expected both or neither");
  }
  if (cert === undefined || key === undefined) {
    if (clientCa !== undefined) throw new UsageError("node_tls_client_ca: expected node_tls_cert beside it");
    return undefined;
  }
  return {
    ...readPair({ cert, key }, { cert: "node_tls_cert", key: "node_tls_key" }),
    ...(clientCa !== undefined && { clientCa: readCertificates(clientCa, "node_tls_client_ca") }),
  };
}
