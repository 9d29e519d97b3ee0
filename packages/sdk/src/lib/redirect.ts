import { parseURL } from "./config.ts";

/** Where the same request is to be sent again, if the answer says so, and the method and the encryption stay. */
export function redirectTarget({ status, headers }: Response, from: URL, method: string): URL | null {
  // 301, 302 and 303 may make a GET of any method.
  const keepsMethod = status === 307 || status === 308 || (method === "GET" && status >= 301 && status <= 303);
  const location = headers.get("location");
  const to = keepsMethod && location ? parseURL(location, from) : null;
  const losesEncryption = from.protocol === "https:" && to?.protocol === "http:";
  return losesEncryption ? null : to;
}
