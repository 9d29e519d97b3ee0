export { APIError } from "./apierror.ts";
export * from "./httpclienterrors.ts";
export { SDKError } from "./sdkerror.ts";
export { SDKValidationError } from "./sdkvalidationerror.ts";
