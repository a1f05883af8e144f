import assert from 'node:assert/strict';
import test from 'node:test';
import type { SocketError, TlsFailure } from '../../base/errors.ts';
import {
  BrokenError,
  ClosedError,
  ConnectError,
  DeniedError,
  OverflowError,
  ResolveError,
  SystemError,
  TlsError,
  UnsupportedError,
} from '../../base/errors.ts';
import { IOError, toIOError } from './io-error.ts';

const tls = (failure: TlsFailure, code = 'ERR_SSL_SOMETHING'): TlsError => new TlsError(failure, code, 'why');
const failed = (...codes: readonly string[]): ConnectError =>
  new ConnectError(codes.map((code) => new SystemError(code)));

/* prettier-ignore */
const ROWS: readonly (readonly [error: SocketError, message: string, code: string])[] = [
  [failed('ECONNREFUSED'),                                   'ConnectionRefusedError: Network',                                        'ECONNREFUSED'],
  [failed('ECONNREFUSED', 'ETIMEDOUT'),                      'ConnectionRefusedError: Network',                                        'ECONNREFUSED'],
  [failed('ETIMEDOUT'),                                      'NetworkTimeoutError: Network',                                           'ETIMEDOUT'],
  [failed('EHOSTUNREACH'),                                   'NetworkTimeoutError: Network',                                           'EHOSTUNREACH'],
  [failed('ENETUNREACH'),                                    'NetworkError: Network',                                                  'ENETUNREACH'],
  [failed(),                                                 'NetworkError: Network',                                                  'ERR_CONNECT_FAILED'],
  [new ResolveError('EAI_NONAME', 'x.test'),                 'DomainNotFoundError: Network',                                           'EAI_NONAME'],
  [new ResolveError('EAI_AGAIN', 'x.test'),                  'DomainNotFoundError: Network',                                           'EAI_AGAIN'],
  [new SystemError('ECONNRESET'),                            'NetworkInterruptError: Network',                                         'ECONNRESET'],
  [new SystemError('EPIPE'),                                 'NetworkInterruptError: Network',                                         'EPIPE'],
  [new SystemError('ECONNABORTED'),                          'NetworkInterruptError: Network',                                         'ECONNABORTED'],
  [new SystemError('EADDRINUSE'),                            'NetworkError: Network',                                                  'EADDRINUSE'],
  [new BrokenError({ cause: new SystemError('ECONNRESET') }), 'NetworkInterruptError: Network',                                        'ECONNRESET'],
  [new BrokenError({ cause: new SystemError('ETIMEDOUT') }), 'NetworkTimeoutError: Network',                                           'ETIMEDOUT'],
  [new BrokenError({ cause: tls('alert') }),                 'SecurityError: SecurityProtocol',                                        'ERR_SSL_SOMETHING'],
  [new BrokenError(),                                        'NetworkError: Network',                                                  'ERR_SOCKET_BROKEN'],
  [tls('certificate-expired', 'CERT_HAS_EXPIRED'),           'SecurityExpiredCertificateError: SecurityCertificate',                   'CERT_HAS_EXPIRED'],
  [tls('certificate-name'),                                  'SecurityCertificateDomainMismatchError: SecurityCertificate',            'ERR_SSL_SOMETHING'],
  [tls('certificate-untrusted'),                             'SecurityUntrustedCertificateIssuerError: SecurityCertificate',           'ERR_SSL_SOMETHING'],
  [tls('certificate-invalid'),                               'SecurityBadCertificateError: SecurityCertificate',                       'ERR_SSL_SOMETHING'],
  [tls('certificate-invalid', 'CERT_REVOKED'),               'SecurityRevokedCertificateError: SecurityCertificate',                   'CERT_REVOKED'],
  [tls('certificate-invalid', 'INVALID_PURPOSE'),            'SecurityInadequateKeyUsageError: SecurityCertificate',                   'INVALID_PURPOSE'],
  [tls('certificate-invalid', 'ERR_SSL_CA_MD_TOO_WEAK'),     'SecurityCertificateSignatureAlgorithmDisabledError: SecurityCertificate', 'ERR_SSL_CA_MD_TOO_WEAK'],
  [tls('protocol', 'ERR_SSL_UNKNOWN_CERTIFICATE_TYPE'),      'SecurityUnsupportedCertificateTypeError: SecurityCertificate',           'ERR_SSL_UNKNOWN_CERTIFICATE_TYPE'],
  [tls('client-certificate'),                                'SecurityNoCertificateError: SecurityCertificate',                        'ERR_SSL_SOMETHING'],
  [tls('version'),                                           'SecurityUnsupportedTLSVersionError: SecurityProtocol',                   'ERR_SSL_SOMETHING'],
  [tls('protocol'),                                          'SecurityError: SecurityProtocol',                                        'ERR_SSL_SOMETHING'],
  [tls('alert'),                                             'SecurityError: SecurityProtocol',                                        'ERR_SSL_SOMETHING'],
  [tls('closed'),                                            'NetworkInterruptError: Network',                                         'ERR_SSL_SOMETHING'],
  [tls('reset'),                                             'NetworkInterruptError: Network',                                         'ERR_SSL_SOMETHING'],
  [tls('timeout'),                                           'NetworkTimeoutError: Network',                                           'ERR_SSL_SOMETHING'],
  [new OverflowError(1),                                     'NetworkError: Network',                                                  'ERR_SOCKET_OVERFLOW'],
  [new UnsupportedError('x'),                                'NetworkError: Network',                                                  'ERR_UNSUPPORTED'],
  [new ClosedError(),                                        'Socket is closed',                                                       'ERR_SOCKET_CLOSED'],
  [new DeniedError({}, 'no'),                                'permission denied',                                                      'ERR_PERMISSION_DENIED'],
];

for (const [error, message, code] of ROWS) {
  test(`toIOError of ${error.message} says ${message}`, () => {
    const told = toIOError(error);
    assert.ok(told instanceof IOError && told instanceof Error);
    assert.deepEqual([told.name, told.message, told.code], ['IOError', message, code]);
    assert.equal(told.cause, error);
    assert.equal(String(told), `IOError: ${message}`);
    assert.equal(told.reason, message.includes(': ') ? message.split(':', 1)[0] : undefined);
  });
}
