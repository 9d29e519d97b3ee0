export { ConnectionError } from "./connectionerror.ts";
export { HTTPClientError } from "./httpclienterror.ts";
export { InvalidRequestError } from "./invalidrequesterror.ts";
export { RequestAbortedError } from "./requestabortederror.ts";
export { RequestTimeoutError } from "./requesttimeouterror.ts";
export { UnexpectedClientError } from "./unexpectedclienterror.ts";
