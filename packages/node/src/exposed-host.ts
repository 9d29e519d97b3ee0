import { BlockList, isIPv4, isIPv6 } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Whether other machines may reach what listens there. Of names only `localhost` is known to stay on this one (RFC 6761). */
export function isExposed(host: string): boolean {
  if (isIPv4(host)) return !LOOPBACK.check(host, "ipv4");
  if (isIPv6(host)) return !LOOPBACK.check(host, "ipv6");
  return !/^(?:.+\.)?localhost\.?$/i.test(host);
}

/** A node would serve anybody, and its operator has not said that this is meant. */
export class ExposedNodeError extends Error {
  override readonly name = "ExposedNodeError";

  constructor(host: string) {
    super(`a node that listens on ${host} can be used by other machines, and asks nobody for a token or a certificate`);
  }
}
