import type { SocketAddress } from './address.ts';
import { formatAddress } from './address.ts';
import { EAI_TEXT, ERRNO_TEXT } from './errno.ts';

/** What a socket error can say of its circumstances. Every field may be missing. */
export interface ErrorDetails {
  /** What was being done: `connect`, `listen`, `accept`, `read`, `write`, `resolve` … */
  readonly op?: string | undefined;
  readonly transport?: 'tcp' | 'udp' | 'unix' | undefined;
  readonly local?: SocketAddress | undefined;
  readonly remote?: SocketAddress | undefined;
  readonly cause?: unknown;
}

/** A registered symbol, so that an error from another copy of this package is known too. */
const BRAND: symbol = Symbol.for('portside.SocketError');

/** `connect tcp 10.0.0.5:41022 -> 10.0.0.9:80: connection refused (ECONNREFUSED)`: the one place that words errors. */
function describe(reason: string, code: string, details: ErrorDetails): string {
  const route = [details.local, details.remote]
    .filter((address) => address !== undefined)
    .map(formatAddress)
    .join(' -> ');
  const what = [details.op, details.transport, details.local && !details.remote ? `on ${route}` : route]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
  return `${what === '' ? '' : `${what}: `}${reason} (${code})`;
}

/**
 * The parent of every error that Portside makes. Match on `code`, or with `isSocketError`, which also knows errors from
 * another copy of this package.
 */
export class SocketError extends Error {
  readonly code: string;
  readonly op: string | undefined;
  readonly transport: 'tcp' | 'udp' | 'unix' | undefined;
  readonly local: SocketAddress | undefined;
  readonly remote: SocketAddress | undefined;

  constructor(code: string, reason: string, details: ErrorDetails = {}) {
    super(
      describe(reason, code, details),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.op = details.op;
    this.transport = details.transport;
    this.local = details.local;
    this.remote = details.remote;
  }
}

/** A system call failed. `code` is the errno's name, `errno` its (positive) number on this system or 0 if not known. */
export class SystemError extends SocketError {
  readonly errno: number;
  readonly syscall: string | undefined;
  constructor(
    code: string,
    details: ErrorDetails & { errno?: number; syscall?: string; reason?: string } = {},
  ) {
    super(code, details.reason ?? ERRNO_TEXT[code] ?? 'system error', details);
    this.errno = details.errno ?? 0;
    this.syscall = details.syscall;
  }
}

/** What the system says of a look-up that failed. */
function wordsOf(cause: unknown, code: string): string | undefined {
  if (code !== 'EAI_SYSTEM' || !(cause instanceof SystemError)) return EAI_TEXT[code];
  return `${ERRNO_TEXT[cause.code] ?? 'system error'} (${cause.code})`;
}

/** A name could not be resolved. `code` is an `EAI_…` name; of `EAI_SYSTEM` the `cause` says more. */
export class ResolveError extends SocketError {
  /** What was looked up; empty where no host was given. */
  readonly host: string;
  readonly service: string | undefined;
  constructor(
    code: string,
    host: string,
    details: ErrorDetails & { service?: string | undefined; reason?: string } = {},
  ) {
    const { service, cause, reason = wordsOf(cause, code) ?? 'name resolution failed' } = details;
    const what = `${JSON.stringify(host)}${service === undefined ? '' : `, service ${JSON.stringify(service)}`}`;
    super(code, `${reason}: ${what}`, { op: 'resolve', ...details });
    this.host = host;
    this.service = service;
  }
}

/** The socket was closed by its owner; nothing more can be done with it. */
export class ClosedError extends SocketError {
  constructor(details: ErrorDetails = {}) {
    super('ERR_SOCKET_CLOSED', 'the socket is closed', details);
  }
}

/** The peer or the network ended the connection. `cause` is the `SystemError` that told, or the `TlsError`. */
export class BrokenError extends SocketError {
  constructor(details: ErrorDetails & { reason?: string | undefined } = {}) {
    const cause = details.cause instanceof SystemError ? details.cause : undefined;
    const told = cause === undefined ? 'broken' : (ERRNO_TEXT[cause.code] ?? cause.code);
    super('ERR_SOCKET_BROKEN', details.reason ?? told, details);
  }
}

/** Two operations of one direction at once, where only one can be; or more of one kind than can be. */
export class BusyError extends SocketError {
  constructor(details: ErrorDetails & { reason?: string } = {}) {
    super('ERR_SOCKET_BUSY', details.reason ?? 'another operation of this kind is under way', details);
  }
}

/** A write was refused, and nothing of it taken, because more than the socket's `writeLimit` bytes wait already. */
export class OverflowError extends SocketError {
  readonly limit: number;
  constructor(limit: number, details: ErrorDetails = {}) {
    super(
      'ERR_SOCKET_OVERFLOW',
      `more than ${String(limit)} bytes are waiting to be sent; heed drain`,
      details,
    );
    this.limit = limit;
  }
}

/** The peer ended where more had to come. What came before is still there to be read. */
export class EndError extends SocketError {
  /** Bytes that had come of what was asked for: 0 if the peer ended between two messages. */
  readonly received: number;
  constructor(received: number, awaited: string, details: ErrorDetails = {}) {
    super('ERR_SOCKET_ENDED', `the peer ended after ${String(received)} bytes, before ${awaited}`, details);
    this.received = received;
  }
}

/** More came than the reader was ready to take before its delimiter. All of it is still there to be read. */
export class LimitError extends SocketError {
  readonly limit: number;
  constructor(limit: number, details: ErrorDetails = {}) {
    super('ERR_READ_LIMIT', `no delimiter within ${String(limit)} bytes`, details);
    this.limit = limit;
  }
}

/** One attempt: where to, unless that is the target itself, and how it failed. */
function attemptText({ code, remote }: SocketError, target: string | undefined): string {
  const address = remote === undefined ? '' : formatAddress(remote);
  return address === '' || address === target ? code : `${address} ${code}`;
}

/** Every attempt to connect failed. `errors` has one error for each address that was tried, in order of trying. */
export class ConnectError extends SocketError {
  readonly errors: readonly SocketError[];
  constructor(errors: readonly SocketError[], details: ErrorDetails & { target?: string } = {}) {
    const each = errors.map((error) => attemptText(error, details.target)).join(', ');
    super(
      'ERR_CONNECT_FAILED',
      `${details.target ? `${details.target}: ` : ''}${each === '' ? 'no address to try' : each}`,
      {
        op: 'connect',
        cause: errors[0],
        ...details,
      },
    );
    this.errors = errors;
  }
}

/**
 * What is behind a `TlsError`, for programs and dialects to go by.
 *
 * | failure | meaning |
 * |---|---|
 * | `certificate-expired`, `certificate-name`, `certificate-untrusted`, `certificate-invalid` | the peer's certificate: out of its time; of another name; by nobody we trust; bad otherwise |
 * | `client-certificate` | the peer demands a certificate, or refuses the one that it was shown |
 * | `version` | no version, cipher or protocol in common |
 * | `protocol` | the peer does not speak TLS, or not correctly |
 * | `alert` | the peer gave the handshake up for another reason |
 * | `closed`, `reset` | the peer ended the connection in mid-handshake |
 * | `timeout` | a listener gave a handshake up that took longer than `handshakeTimeout` |
 */
export type TlsFailure =
  | 'alert'
  | 'certificate-expired'
  | 'certificate-invalid'
  | 'certificate-name'
  | 'certificate-untrusted'
  | 'client-certificate'
  | 'closed'
  | 'protocol'
  | 'reset'
  | 'timeout'
  | 'version';

/**
 * A TLS handshake failed, and the connection is closed; or what a protected connection broke of. `code` is the TLS library's own, such as `CERT_HAS_EXPIRED`,
 * `ERR_TLS_CERT_ALTNAME_INVALID` or `ERR_SSL_WRONG_VERSION_NUMBER`; the message has its words.
 */
export class TlsError extends SocketError {
  readonly failure: TlsFailure;
  /** What the TLS library says of it. */
  readonly reason: string;
  constructor(failure: TlsFailure, code: string, reason: string, details: ErrorDetails = {}) {
    super(code, reason, details);
    this.failure = failure;
    this.reason = reason;
  }
}

/** A policy said no. `request` is what was asked, `rule` what decided, where one rule did. */
export class DeniedError extends SocketError {
  readonly request: unknown;
  readonly rule: string | undefined;
  constructor(request: unknown, reason: string, details: ErrorDetails & { rule?: string } = {}) {
    super('ERR_DENIED', reason, details);
    this.request = request;
    this.rule = details.rule;
  }
}

/** This system, or this provider, has no such call or option. */
export class UnsupportedError extends SocketError {
  constructor(what: string, details: ErrorDetails = {}) {
    super('ERR_UNSUPPORTED', what, details);
  }
}

/** The other end of a channel broke the wire's rules. */
export class ProtocolError extends SocketError {
  constructor(code: `ERR_PROTOCOL_${string}`, reason: string, details: ErrorDetails = {}) {
    super(code, reason, details);
  }
}

const NAMES: readonly (readonly [string, { readonly prototype: Error }])[] = [
  ['BrokenError', BrokenError],
  ['BusyError', BusyError],
  ['ClosedError', ClosedError],
  ['ConnectError', ConnectError],
  ['DeniedError', DeniedError],
  ['EndError', EndError],
  ['LimitError', LimitError],
  ['OverflowError', OverflowError],
  ['ProtocolError', ProtocolError],
  ['ResolveError', ResolveError],
  ['SocketError', SocketError],
  ['SystemError', SystemError],
  ['TlsError', TlsError],
  ['UnsupportedError', UnsupportedError],
];
Object.defineProperty(SocketError.prototype, BRAND, { value: true });
for (const [name, type] of NAMES)
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true });

/** Whether `value` is one of Portside's errors, of this or of another copy of the package. */
export function isSocketError(value: unknown): value is SocketError {
  return typeof value === 'object' && value !== null && BRAND in value;
}
