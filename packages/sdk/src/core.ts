import { ClientSDK } from "./lib/client.ts";

/** The client for standalone functions: it knows no operation, so that only those you import are bundled. */
export class AtomaSDKCore extends ClientSDK {}
