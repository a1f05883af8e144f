/** What Node and OpenSSL say of a failed handshake, in the words of the contract: one table. */
import type { ErrorDetails, TlsFailure } from '../base/errors.ts';
import { BrokenError, SystemError, TlsError } from '../base/errors.ts';
import { isNodeError } from './node-errors.ts';

/**
 * What is behind each code. The first rows are OpenSSL's verdicts on certificates (X509_V_ERR_…, in x509_vfy.h), the others
 * its reasons (SSL_R_…, in sslerr.h), alerts of the peer's among them. What is not listed goes by `failureOf`.
 */
const FAILURES: Readonly<Record<string, TlsFailure>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-expired',
  CERT_UNTRUSTED: 'certificate-untrusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-untrusted',
  ERR_TLS_CERT_ALTNAME_FORMAT: 'certificate-invalid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name',
  HOSTNAME_MISMATCH: 'certificate-name',
  INVALID_CA: 'certificate-untrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate-untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate-untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate-untrusted',

  ERR_SSL_CERTIFICATE_VERIFY_FAILED: 'certificate-untrusted',
  ERR_SSL_INAPPROPRIATE_FALLBACK: 'version',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'version',
  ERR_SSL_NO_CIPHERS_AVAILABLE: 'version',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'version',
  ERR_SSL_NO_SHARED_CIPHER: 'version',
  ERR_SSL_NO_SHARED_GROUPS: 'version',
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: 'version',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'version',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'version',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'certificate-invalid',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'version',
  ERR_SSL_TLSV1_ALERT_INAPPROPRIATE_FALLBACK: 'version',
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: 'version',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'version',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'version',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'version',
  ERR_SSL_UNSUPPORTED_SSL_VERSION: 'version',
  ERR_SSL_VERSION_TOO_HIGH: 'version',
  ERR_SSL_VERSION_TOO_LOW: 'version',
  ERR_SSL_WRONG_CIPHER_RETURNED: 'version',
  ERR_SSL_WRONG_SSL_VERSION: 'version',
  ERR_TLS_DH_PARAM_SIZE: 'version',

  ECONNRESET: 'reset',
  EPIPE: 'reset',
};

/** Alerts by which a server speaks of the certificate that its client showed, or did not (RFC 8446, 6.2). */
const CLIENT_CERTIFICATE_ALERTS: ReadonlySet<string> = new Set([
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSLV3_ALERT_NO_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
]);

/** What is behind a code of the TLS library, or of the system. */
export function failureOf(code: string, role: 'client' | 'server'): TlsFailure {
  if (role === 'client' && CLIENT_CERTIFICATE_ALERTS.has(code)) return 'client-certificate';
  const known = FAILURES[code];
  if (known !== undefined) return known;
  if (code.includes('_ALERT_') || code.startsWith('ERR_SSL_TLSV1_')) return 'alert';
  if (code.startsWith('ERR_')) return 'protocol';
  return /^E[A-Z]+$/.test(code) ? 'closed' : 'certificate-invalid';
}

/** OpenSSL's own words, which Node puts between file, library and function. */
function reasonOf(error: Error): string {
  const reason: unknown = Reflect.get(error, 'reason');
  return typeof reason === 'string' ? reason : error.message;
}

/** Whether an error is the TLS library's, and not the system's. */
export function isTlsLibraryError(error: unknown): error is Error & { readonly code: string } {
  return isNodeError(error) && error.errno === undefined && error.syscall === undefined;
}

/** The `TlsError` for whatever ended a handshake. */
export function toTlsError(error: unknown, role: 'client' | 'server', details: ErrorDetails): TlsError {
  if (error instanceof TlsError) return error;
  if (error instanceof BrokenError) {
    const { cause } = error;
    const { code } = cause instanceof SystemError ? cause : error;
    return new TlsError(failureOf(code, role), code, 'the connection broke in mid-handshake', {
      ...details,
      cause: error,
    });
  }
  // Node words the end of the connection as a reset too; only of a real one it tells the call.
  if (isTlsLibraryError(error) && error.code === 'ECONNRESET') return endedInHandshake(details);
  const code = isNodeError(error) ? error.code : 'ERR_TLS_HANDSHAKE';
  const reason = error instanceof Error ? reasonOf(error) : String(error);
  return new TlsError(failureOf(code, role), code, reason, { ...details, cause: error });
}

/** The peer has ended the connection before the handshake was over. */
export function endedInHandshake(details: ErrorDetails): TlsError {
  return new TlsError(
    'closed',
    'ERR_TLS_HANDSHAKE_CLOSED',
    'the peer closed the connection in mid-handshake',
    details,
  );
}

/** The connection has ended without the alert that ends a protected one (RFC 8446, 6.1): bytes may be missing. */
export function truncated(details: ErrorDetails): TlsError {
  const reason = 'the connection ended without a close_notify: bytes may be missing';
  return new TlsError('closed', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING', reason, details);
}
