/** How this API tells of failures: Mozilla's names, and one table from ours to them. */
import type { SocketError, TlsFailure } from '../../base/errors.ts';
import {
  BrokenError,
  ClosedError,
  ConnectError,
  DeniedError,
  isSocketError,
  ResolveError,
  TlsError,
} from '../../base/errors.ts';

/** What went wrong, in Mozilla's names. @see the table in docs/reference/tcpsocket.md */
export type IOErrorName =
  | 'ConnectionRefusedError'
  | 'DomainNotFoundError'
  | 'NetworkError'
  | 'NetworkInterruptError'
  | 'NetworkTimeoutError'
  | 'SecurityBadCertificateError'
  | 'SecurityCertificateDomainMismatchError'
  | 'SecurityCertificateSignatureAlgorithmDisabledError'
  | 'SecurityError'
  | 'SecurityExpiredCertificateError'
  | 'SecurityInadequateKeyUsageError'
  | 'SecurityNoCertificateError'
  | 'SecurityRevokedCertificateError'
  | 'SecurityUnsupportedCertificateTypeError'
  | 'SecurityUnsupportedTLSVersionError'
  | 'SecurityUntrustedCertificateIssuerError';

type Group = 'Network' | 'SecurityCertificate' | 'SecurityProtocol';

/** The part of the message behind the name. */
const GROUPS: Readonly<Record<IOErrorName, Group>> = {
  ConnectionRefusedError: 'Network',
  DomainNotFoundError: 'Network',
  NetworkError: 'Network',
  NetworkInterruptError: 'Network',
  NetworkTimeoutError: 'Network',
  SecurityBadCertificateError: 'SecurityCertificate',
  SecurityCertificateDomainMismatchError: 'SecurityCertificate',
  SecurityCertificateSignatureAlgorithmDisabledError: 'SecurityCertificate',
  SecurityError: 'SecurityProtocol',
  SecurityExpiredCertificateError: 'SecurityCertificate',
  SecurityInadequateKeyUsageError: 'SecurityCertificate',
  SecurityNoCertificateError: 'SecurityCertificate',
  SecurityRevokedCertificateError: 'SecurityCertificate',
  SecurityUnsupportedCertificateTypeError: 'SecurityCertificate',
  SecurityUnsupportedTLSVersionError: 'SecurityProtocol',
  SecurityUntrustedCertificateIssuerError: 'SecurityCertificate',
};

/** By the code of the system call, or of the TLS library. */
const BY_CODE: Readonly<Record<string, IOErrorName>> = {
  CERT_REVOKED: 'SecurityRevokedCertificateError',
  ECONNABORTED: 'NetworkInterruptError',
  ECONNREFUSED: 'ConnectionRefusedError',
  ECONNRESET: 'NetworkInterruptError',
  EHOSTUNREACH: 'NetworkTimeoutError',
  EPIPE: 'NetworkInterruptError',
  ERR_SSL_CA_MD_TOO_WEAK: 'SecurityCertificateSignatureAlgorithmDisabledError',
  ERR_SSL_UNKNOWN_CERTIFICATE_TYPE: 'SecurityUnsupportedCertificateTypeError',
  ERR_SSL_UNSUPPORTED_CERTIFICATE: 'SecurityUnsupportedCertificateTypeError',
  ETIMEDOUT: 'NetworkTimeoutError',
  INVALID_PURPOSE: 'SecurityInadequateKeyUsageError',
};

const BY_FAILURE: Readonly<Record<TlsFailure, IOErrorName>> = {
  alert: 'SecurityError',
  'certificate-expired': 'SecurityExpiredCertificateError',
  'certificate-invalid': 'SecurityBadCertificateError',
  'certificate-name': 'SecurityCertificateDomainMismatchError',
  'certificate-untrusted': 'SecurityUntrustedCertificateIssuerError',
  'client-certificate': 'SecurityNoCertificateError',
  closed: 'NetworkInterruptError',
  protocol: 'SecurityError',
  reset: 'NetworkInterruptError',
  timeout: 'NetworkTimeoutError',
  version: 'SecurityUnsupportedTLSVersionError',
};

/**
 * Everything that fails in this API and is not a mistake in the call itself.
 *
 * `message` is Mozilla's name and group, such as `ConnectionRefusedError: Network`, or one of the fixed texts
 * `permission denied`, `Socket is not open` and `Socket is closed`.
 */
export class IOError extends Error {
  /** Mozilla's name of what went wrong, where the network did it. */
  readonly reason: IOErrorName | undefined;
  /** `ERR_PERMISSION_DENIED`, or the code of Portside's own error, such as `ECONNREFUSED`. */
  readonly code: string | undefined;
  /** The permission that would have allowed it. */
  readonly permission: string | undefined;

  constructor(
    message: string,
    details: {
      readonly reason?: IOErrorName;
      readonly code?: string;
      readonly permission?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = details.reason;
    this.code = details.code;
    this.permission = details.permission;
  }
}
Object.defineProperty(IOError.prototype, 'name', { value: 'IOError', configurable: true });

/** What is behind an error that only says that something broke, or that nothing worked. */
function innermost(error: SocketError): SocketError {
  if (error instanceof ConnectError) return error.errors[0] ?? error;
  if (error instanceof BrokenError && error.cause instanceof Error && 'code' in error.cause)
    return error.cause as SocketError;
  return error;
}

function nameOf(error: SocketError): IOErrorName {
  const found = BY_CODE[error.code];
  if (found !== undefined) return found;
  if (error instanceof TlsError) return BY_FAILURE[error.failure];
  return error instanceof ResolveError ? 'DomainNotFoundError' : 'NetworkError';
}

/** In the words of this API. */
export function toIOError(error: SocketError): IOError {
  const inner = innermost(error);
  if (inner instanceof DeniedError) return permissionDenied(inner.rule, error);
  if (inner instanceof ClosedError) return socketIsClosed(error);
  const reason = nameOf(inner);
  return new IOError(`${reason}: ${GROUPS[reason]}`, { reason, code: inner.code, cause: error });
}

/** Whatever was thrown, in the words of this API; mistakes in a call stay what they are. */
export function inOwnWords(error: unknown): Error {
  if (isSocketError(error)) return toIOError(error);
  return error instanceof Error ? error : new IOError(String(error));
}

export function permissionDenied(permission: string | undefined, cause?: unknown): IOError {
  return new IOError('permission denied', { code: 'ERR_PERMISSION_DENIED', permission, cause });
}

export function socketIsClosed(cause?: unknown): IOError {
  return new IOError('Socket is closed', { code: 'ERR_SOCKET_CLOSED', cause });
}
