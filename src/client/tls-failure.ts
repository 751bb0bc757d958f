/** Codes that no other endpoint and no retry can mend: somebody's certificate is wrong. */
const fatalCodes = new Set([
  "CERT_CHAIN_TOO_LONG",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** What TLS says of an answer that is no TLS. */
const noTls =
  /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_HTTP_REQUEST|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/;

/** True when what answered does not speak TLS, as a server for plain HTTP does not. */
export function isAnsweredWithoutTls(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const code = "code" in cause ? String(cause.code) : "";
  const isNone = noTls.test(code) || (code === "EPROTO" && /wrong version/.test(cause.message));
  return isNone || isAnsweredWithoutTls(cause.cause);
}

/** The other side's alerts about our certificate. */
const fatalAlert = /^ERR_SSL_.*ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/;

/** True when `cause` says that a certificate was refused, by us or by the server. */
export function isFatalTlsFailure(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const code = "code" in cause ? String(cause.code) : "";
  return fatalCodes.has(code) || fatalAlert.test(code) || isFatalTlsFailure(cause.cause);
}
