export { ClientSDK, type RequestOptions } from "../lib/client.ts";
