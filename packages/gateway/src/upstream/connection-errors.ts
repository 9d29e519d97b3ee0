/** Codes of failures that leave no doubt: there was no connection, so nothing has begun. */
const CONNECT_FAILED = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The same, of TLS: the node's certificate is not what was wanted, or the node speaks no TLS. */
const NOT_TRUSTED = new Set([
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
]);

/** OpenSSL's names of the alerts by which a node refuses the gateway's certificate, or the lack of one. */
const REFUSED = /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3)_ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/;

/** What Node says of a connection that is closed during the handshake; its code is that of any reset. */
const BEFORE_TLS = "before secure TLS connection was established";

const CONNECTION_LOST = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_SOCKET",
  "UND_ERR_ABORTED",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether an error leaves no doubt that nothing was sent: no connection, or none that was secure. */
export function neverConnected(error: unknown): boolean {
  // One for each address of a name.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  const code = codeOf(error) ?? "";
  if (CONNECT_FAILED.has(code) || NOT_TRUSTED.has(code) || REFUSED.test(code)) return true;
  if (!(error instanceof Error)) return false;
  return ("syscall" in error && error.syscall === "connect") || error.message.includes(BEFORE_TLS);
}

/** The connection broke: what became of the request is not known. */
export function connectionLost(error: unknown): boolean {
  return CONNECTION_LOST.has(codeOf(error) ?? "") || (error instanceof Error && error.name === "CutOffError");
}

/** Why a node cannot be reached, for its operator. */
export function reasonOf(error: unknown, origin: string): string {
  const reason = error instanceof Error ? error.message : "?";
  const code = codeOf(error) ?? "";
  // A server that wants another certificate often closes the connection without a word.
  const closed = code === "UND_ERR_SOCKET" || code === "ECONNRESET" || REFUSED.test(code);
  return closed && origin.startsWith("https:")
    ? `${reason} (does it want another certificate of the gateway?)`
    : reason;
}
