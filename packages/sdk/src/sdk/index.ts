export { AtomaSDK } from "./sdk.ts";
