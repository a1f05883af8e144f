import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { ERRNO_TEXT } from '../../base/errno.ts';
import { BrokenError, OverflowError, SystemError, TlsError } from '../../base/errors.ts';
import type { TlsFailure } from '../../base/errors.ts';
import { ERRNO_CODES, NET_ERRORS, netErrorOf, netErrorText, TLS_CODES } from './net-errors.ts';

test('NET_ERRORS has each code and each name once, in order', () => {
  const codes = NET_ERRORS.map(([code]) => code);
  assert.deepEqual(
    codes,
    [...new Set(codes)].sort((a, b) => b - a),
  );
  assert.equal(new Set(NET_ERRORS.map(([, name]) => name)).size, NET_ERRORS.length);
});

test('ERRNO_CODES names only errors and codes that exist', () => {
  const codes = new Set(NET_ERRORS.map(([code]) => code));
  const linuxOnly = new Set(['EDEADLK', 'EDQUOT', 'EHOSTDOWN', 'ENOLCK', 'EUSERS']);
  for (const [name, code] of Object.entries(ERRNO_CODES)) {
    assert.ok(codes.has(code), name);
    assert.ok(name in constants.errno || name in ERRNO_TEXT || linuxOnly.has(name), name);
  }
});

test('netErrorText writes what lastError says', () => {
  assert.equal(netErrorText(-102), 'net::ERR_CONNECTION_REFUSED');
  assert.equal(netErrorText(-15), 'net::ERR_SOCKET_NOT_CONNECTED');
  assert.equal(netErrorText(0), 'net::OK');
});

test('netErrorOf looks through a broken connection for its cause', () => {
  assert.equal(netErrorOf(new BrokenError({ cause: new SystemError('ETIMEDOUT') })), -7);
  assert.equal(netErrorOf(new BrokenError()), -101);
  assert.equal(netErrorOf(new OverflowError(1)), -12);
  assert.equal(netErrorOf(new SystemError('EWEIRD')), -2);
  assert.equal(netErrorOf(new Error('x')), -2);
});

test('netErrorOf says what is behind a failed handshake', () => {
  const codes = new Set(NET_ERRORS.map(([code]) => code));
  for (const [failure, code] of Object.entries(TLS_CODES)) {
    assert.ok(codes.has(code), failure);
    assert.equal(netErrorOf(new TlsError(failure as TlsFailure, 'ERR_SSL_ANY', 'any')), code);
  }
  assert.deepEqual(
    [TLS_CODES.protocol, TLS_CODES.version, TLS_CODES['certificate-name']],
    [-107, -113, -200],
  );
  assert.equal(netErrorOf(new TlsError('certificate-invalid', 'CERT_REVOKED', 'revoked')), -206);
  const alert = new TlsError('client-certificate', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'required');
  assert.equal(netErrorOf(new BrokenError({ cause: alert })), -110);
});
