import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

/** `public`: https to the public internet. `any`: also http, and addresses of this machine and its networks. */
export type WebhookTargets = "public" | "any";

/** Why a webhook may not go somewhere. */
export class ForbiddenTarget extends Error {
  override readonly name = "ForbiddenTarget";
}

const MAX_URL = 2048;

/** The URL, if a webhook may go there as far as its text tells. Throws ForbiddenTarget with a reason for people. */
export function checkTarget(text: string, targets: WebhookTargets): URL {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") throw new ForbiddenTarget("expected an https URL");
  if (url.username !== "" || url.password !== "") throw new ForbiddenTarget("expected a URL without user and password");
  if (targets === "any") return url;
  if (url.protocol !== "https:") throw new ForbiddenTarget("expected an https URL");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new ForbiddenTarget("expected a public address");
  return url;
}

type Resolve = (
  hostname: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A lookup for sockets that resolves a name once, refuses it when any of its addresses is not public, and gives the
 * very addresses that were checked, so that the name cannot mean another place a moment later.
 */
export function publicLookup(resolve: Resolve = systemLookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return done(error ?? new Error("no address"), "");
      if (!addresses.every(({ address }) => isPublicAddress(address))) {
        return done(new ForbiddenTarget("the name has an address that is not public"), "");
      }
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}
