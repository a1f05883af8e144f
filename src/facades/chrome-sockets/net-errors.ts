import type { TlsFailure } from '../../base/errors.ts';
import { ConnectError, isSocketError, TlsError } from '../../base/errors.ts';

/** Chromium's numbers for what can go wrong on a network, as result codes carry them. One row a code. */
export const NET_ERRORS: readonly (readonly [code: number, name: string])[] = [
  [0, 'OK'],
  [-1, 'IO_PENDING'],
  [-2, 'FAILED'],
  [-3, 'ABORTED'],
  [-4, 'INVALID_ARGUMENT'],
  [-5, 'INVALID_HANDLE'],
  [-6, 'FILE_NOT_FOUND'],
  [-7, 'TIMED_OUT'],
  [-8, 'FILE_TOO_BIG'],
  [-9, 'UNEXPECTED'],
  [-10, 'ACCESS_DENIED'],
  [-11, 'NOT_IMPLEMENTED'],
  [-12, 'INSUFFICIENT_RESOURCES'],
  [-13, 'OUT_OF_MEMORY'],
  [-14, 'UPLOAD_FILE_CHANGED'],
  [-15, 'SOCKET_NOT_CONNECTED'],
  [-16, 'FILE_EXISTS'],
  [-17, 'FILE_PATH_TOO_LONG'],
  [-18, 'FILE_NO_SPACE'],
  [-19, 'FILE_VIRUS_INFECTED'],
  [-20, 'BLOCKED_BY_CLIENT'],
  [-21, 'NETWORK_CHANGED'],
  [-22, 'BLOCKED_BY_ADMINISTRATOR'],
  [-23, 'SOCKET_IS_CONNECTED'],
  [-25, 'UPLOAD_STREAM_REWIND_NOT_SUPPORTED'],
  [-26, 'CONTEXT_SHUT_DOWN'],
  [-27, 'BLOCKED_BY_RESPONSE'],
  [-29, 'CLEARTEXT_NOT_PERMITTED'],
  [-30, 'BLOCKED_BY_CSP'],
  [-31, 'H2_OR_QUIC_REQUIRED'],
  [-32, 'BLOCKED_BY_ORB'],
  [-100, 'CONNECTION_CLOSED'],
  [-101, 'CONNECTION_RESET'],
  [-102, 'CONNECTION_REFUSED'],
  [-103, 'CONNECTION_ABORTED'],
  [-104, 'CONNECTION_FAILED'],
  [-105, 'NAME_NOT_RESOLVED'],
  [-106, 'INTERNET_DISCONNECTED'],
  [-107, 'SSL_PROTOCOL_ERROR'],
  [-108, 'ADDRESS_INVALID'],
  [-109, 'ADDRESS_UNREACHABLE'],
  [-110, 'SSL_CLIENT_AUTH_CERT_NEEDED'],
  [-111, 'TUNNEL_CONNECTION_FAILED'],
  [-112, 'NO_SSL_VERSIONS_ENABLED'],
  [-113, 'SSL_VERSION_OR_CIPHER_MISMATCH'],
  [-114, 'SSL_RENEGOTIATION_REQUESTED'],
  [-115, 'PROXY_AUTH_UNSUPPORTED'],
  [-117, 'BAD_SSL_CLIENT_AUTH_CERT'],
  [-118, 'CONNECTION_TIMED_OUT'],
  [-119, 'HOST_RESOLVER_QUEUE_TOO_LARGE'],
  [-120, 'SOCKS_CONNECTION_FAILED'],
  [-121, 'SOCKS_CONNECTION_HOST_UNREACHABLE'],
  [-122, 'ALPN_NEGOTIATION_FAILED'],
  [-123, 'SSL_NO_RENEGOTIATION'],
  [-124, 'WINSOCK_UNEXPECTED_WRITTEN_BYTES'],
  [-125, 'SSL_DECOMPRESSION_FAILURE_ALERT'],
  [-126, 'SSL_BAD_RECORD_MAC_ALERT'],
  [-127, 'PROXY_AUTH_REQUESTED'],
  [-130, 'PROXY_CONNECTION_FAILED'],
  [-131, 'MANDATORY_PROXY_CONFIGURATION_FAILED'],
  [-133, 'PRECONNECT_MAX_SOCKET_LIMIT'],
  [-134, 'SSL_CLIENT_AUTH_PRIVATE_KEY_ACCESS_DENIED'],
  [-135, 'SSL_CLIENT_AUTH_CERT_NO_PRIVATE_KEY'],
  [-136, 'PROXY_CERTIFICATE_INVALID'],
  [-137, 'NAME_RESOLUTION_FAILED'],
  [-138, 'NETWORK_ACCESS_DENIED'],
  [-139, 'TEMPORARILY_THROTTLED'],
  [-140, 'HTTPS_PROXY_TUNNEL_RESPONSE_REDIRECT'],
  [-141, 'SSL_CLIENT_AUTH_SIGNATURE_FAILED'],
  [-142, 'MSG_TOO_BIG'],
  [-145, 'WS_PROTOCOL_ERROR'],
  [-147, 'ADDRESS_IN_USE'],
  [-148, 'SSL_HANDSHAKE_NOT_COMPLETED'],
  [-149, 'SSL_BAD_PEER_PUBLIC_KEY'],
  [-150, 'SSL_PINNED_KEY_NOT_IN_CERT_CHAIN'],
  [-151, 'CLIENT_AUTH_CERT_TYPE_UNSUPPORTED'],
  [-153, 'SSL_DECRYPT_ERROR_ALERT'],
  [-154, 'WS_THROTTLE_QUEUE_TOO_LARGE'],
  [-156, 'SSL_SERVER_CERT_CHANGED'],
  [-159, 'SSL_UNRECOGNIZED_NAME_ALERT'],
  [-160, 'SOCKET_SET_RECEIVE_BUFFER_SIZE_ERROR'],
  [-161, 'SOCKET_SET_SEND_BUFFER_SIZE_ERROR'],
  [-162, 'SOCKET_RECEIVE_BUFFER_SIZE_UNCHANGEABLE'],
  [-163, 'SOCKET_SEND_BUFFER_SIZE_UNCHANGEABLE'],
  [-164, 'SSL_CLIENT_AUTH_CERT_BAD_FORMAT'],
  [-166, 'ICANN_NAME_COLLISION'],
  [-167, 'SSL_SERVER_CERT_BAD_FORMAT'],
  [-172, 'SSL_OBSOLETE_CIPHER'],
  [-173, 'WS_UPGRADE'],
  [-174, 'READ_IF_READY_NOT_IMPLEMENTED'],
  [-176, 'NO_BUFFER_SPACE'],
  [-177, 'SSL_CLIENT_AUTH_NO_COMMON_ALGORITHMS'],
  [-178, 'EARLY_DATA_REJECTED'],
  [-179, 'WRONG_VERSION_ON_EARLY_DATA'],
  [-180, 'TLS13_DOWNGRADE_DETECTED'],
  [-181, 'SSL_KEY_USAGE_INCOMPATIBLE'],
  [-182, 'INVALID_ECH_CONFIG_LIST'],
  [-183, 'ECH_NOT_NEGOTIATED'],
  [-184, 'ECH_FALLBACK_CERTIFICATE_INVALID'],
  [-200, 'CERT_COMMON_NAME_INVALID'],
  [-201, 'CERT_DATE_INVALID'],
  [-202, 'CERT_AUTHORITY_INVALID'],
  [-203, 'CERT_CONTAINS_ERRORS'],
  [-204, 'CERT_NO_REVOCATION_MECHANISM'],
  [-205, 'CERT_UNABLE_TO_CHECK_REVOCATION'],
  [-206, 'CERT_REVOKED'],
  [-207, 'CERT_INVALID'],
  [-208, 'CERT_WEAK_SIGNATURE_ALGORITHM'],
  [-210, 'CERT_NON_UNIQUE_NAME'],
  [-211, 'CERT_WEAK_KEY'],
  [-212, 'CERT_NAME_CONSTRAINT_VIOLATION'],
  [-213, 'CERT_VALIDITY_TOO_LONG'],
  [-214, 'CERTIFICATE_TRANSPARENCY_REQUIRED'],
  [-215, 'CERT_SYMANTEC_LEGACY'],
  [-217, 'CERT_KNOWN_INTERCEPTION_BLOCKED'],
  [-800, 'DNS_MALFORMED_RESPONSE'],
  [-801, 'DNS_SERVER_REQUIRES_TCP'],
  [-802, 'DNS_SERVER_FAILED'],
  [-803, 'DNS_TIMED_OUT'],
  [-804, 'DNS_CACHE_MISS'],
  [-805, 'DNS_SEARCH_EMPTY'],
  [-806, 'DNS_SORT_ERROR'],
  [-808, 'DNS_SECURE_RESOLVER_HOSTNAME_RESOLUTION_FAILED'],
  [-809, 'DNS_NAME_HTTPS_ONLY'],
  [-810, 'DNS_REQUEST_CANCELLED'],
  [-811, 'DNS_NO_MATCHING_SUPPORTED_ALPN'],
];

const NAMES: ReadonlyMap<number, string> = new Map(NET_ERRORS);

/** Codes that the facade itself answers with. */
export const NET = {
  OK: 0,
  FAILED: -2,
  INVALID_ARGUMENT: -4,
  SOCKET_NOT_CONNECTED: -15,
  SOCKET_IS_CONNECTED: -23,
  CONNECTION_CLOSED: -100,
  CONNECTION_FAILED: -104,
  NAME_NOT_RESOLVED: -105,
} as const;

/** `net::ERR_CONNECTION_REFUSED` for -102: what `lastError` says. */
export function netErrorText(code: number): string {
  if (code === 0) return 'net::OK';
  const name = NAMES.get(code);
  return name === undefined ? `net::ERR_UNKNOWN_ERROR_${String(-code)}` : `net::ERR_${name}`;
}

/** What the system calls an error, and its code. Names that are not here are -2. */
export const ERRNO_CODES: Readonly<Record<string, number>> = {
  E2BIG: -4,
  EACCES: -10,
  EADDRINUSE: -147,
  EADDRNOTAVAIL: -108,
  EAFNOSUPPORT: -109,
  EAGAIN: -1,
  EBADF: -5,
  EBUSY: -12,
  ECANCELED: -3,
  ECONNABORTED: -103,
  ECONNREFUSED: -102,
  ECONNRESET: -101,
  EDEADLK: -12,
  EDQUOT: -18,
  EEXIST: -16,
  EFAULT: -4,
  EFBIG: -8,
  EHOSTDOWN: -109,
  EHOSTUNREACH: -109,
  EINVAL: -4,
  EISCONN: -23,
  EISDIR: -10,
  EMFILE: -12,
  EMSGSIZE: -142,
  ENAMETOOLONG: -17,
  ENETDOWN: -106,
  ENETRESET: -101,
  ENETUNREACH: -109,
  ENFILE: -12,
  ENOBUFS: -176,
  ENODEV: -4,
  ENOENT: -6,
  ENOLCK: -12,
  ENOMEM: -13,
  ENOPROTOOPT: -11,
  ENOSPC: -18,
  ENOSYS: -11,
  ENOTCONN: -15,
  ENOTDIR: -6,
  ENOTSUP: -11,
  EOPNOTSUPP: -11,
  EPERM: -10,
  EPIPE: -101,
  EROFS: -10,
  ETIMEDOUT: -7,
  ETXTBSY: -10,
  EUSERS: -12,
  EWOULDBLOCK: -1,
};

/** Where connecting differs from `ERRNO_CODES`. */
const CONNECT_CODES: Readonly<Record<string, number>> = {
  EACCES: -138,
  ETIMEDOUT: -118,
};

/** Our own error codes that are no errno. */
const OWN_CODES: Readonly<Record<string, number>> = {
  ERR_SOCKET_BROKEN: -101,
  ERR_SOCKET_CLOSED: -3,
  ERR_SOCKET_OVERFLOW: -12,
  ERR_UNSUPPORTED: -11,
};

/** What is behind a failed handshake. */
export const TLS_CODES: Readonly<Record<TlsFailure, number>> = {
  alert: -107,
  'certificate-expired': -201,
  'certificate-invalid': -207,
  'certificate-name': -200,
  'certificate-untrusted': -202,
  'client-certificate': -110,
  closed: -100,
  protocol: -107,
  reset: -101,
  timeout: -7,
  version: -113,
};

/** OpenSSL's codes, where they say more. */
const TLS_LIBRARY_CODES: Readonly<Record<string, number>> = {
  CERT_REVOKED: -206,
  CA_MD_TOO_WEAK: -208,
  EE_KEY_TOO_SMALL: -211,
  CA_KEY_TOO_SMALL: -211,
};

function lookUp(code: string): number {
  if (code.startsWith('EAI_')) return NET.NAME_NOT_RESOLVED;
  return ERRNO_CODES[code] ?? OWN_CODES[code] ?? NET.FAILED;
}

/** The net error code of an error that a provider told of. Anything unknown is -2. */
export function netErrorOf(error: unknown): number {
  if (!isSocketError(error)) return NET.FAILED;
  if (error instanceof TlsError) return TLS_LIBRARY_CODES[error.code] ?? TLS_CODES[error.failure];
  if (error.code === 'ERR_SOCKET_BROKEN' && isSocketError(error.cause)) return netErrorOf(error.cause);
  return lookUp(error.code);
}

/** The net error code of a failed `connect`: that of the last address that was tried. Anything unknown is -104. */
export function connectErrorOf(error: unknown): number {
  // What is no host name to the provider has no address either.
  if (error instanceof RangeError || (error instanceof ConnectError && error.errors.length === 0)) {
    return NET.NAME_NOT_RESOLVED;
  }
  const last = error instanceof ConnectError ? error.errors.at(-1) : error;
  if (!isSocketError(last)) return NET.CONNECTION_FAILED;
  const code = CONNECT_CODES[last.code] ?? netErrorOf(last);
  return code === NET.FAILED ? NET.CONNECTION_FAILED : code;
}
