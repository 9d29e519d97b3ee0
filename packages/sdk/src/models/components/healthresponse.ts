export interface HealthResponse {
  /** `ok`, or whatever else the server says (a server that only sends `status` is understood). */
  message: string;
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;
}
