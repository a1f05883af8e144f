/** What callers of `connect`, `listen` and `create` hand in. Keys that are not known are passed over, as in the old code. */
import type { AbortSignalLike } from '../../base/abort.ts';
import type { TlsClientOptions, TlsServerOptions } from '../../base/tls.ts';
import { validateConnect } from '../../base/validate.ts';

export interface ClientOptions {
  /** A name or a numeric address, of IPv6 in brackets or not. `address` is another word for it. */
  readonly host?: string | undefined;
  readonly address?: string | undefined;
  /** 1 to 65535. */
  readonly port: number;
  /** Whether to speak TLS, with the system's authorities and a check of the name. Default false. */
  readonly useSecureTransport?: boolean | undefined;
  /** What of TLS is to be otherwise; implies `useSecureTransport`. */
  readonly tls?: TlsClientOptions | undefined;
  /** Gives the attempt up: `opened` rejects, `closed` resolves. */
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds that connecting may take. Default: the system's. */
  readonly timeout?: number | undefined;
  /** Whether `connect` waits until the connection is there, and rejects if it comes to nothing. Default false. */
  readonly awaitOpen?: boolean | undefined;
}

export interface ServerOptions {
  /** 1 to 65535. Left out, 0 or -1: a free one. */
  readonly port?: number | null | undefined;
  /** One of this machine's addresses. Default `0.0.0.0`: all of IPv4. */
  readonly host?: string | undefined;
  /** Connections that wait for `connections` to be read; further ones wait in the system. Left out or -1: 128. `backLog` is another word for it. */
  readonly backlog?: number | undefined;
  readonly backLog?: number | undefined;
  /** Whether to speak TLS, for which `tls` must have a certificate and its key. */
  readonly useSecureTransport?: boolean | undefined;
  readonly tls?: TlsServerOptions | undefined;
}

export interface ClientPlan {
  /** As it was written. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsClientOptions | true | undefined;
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
  readonly awaitsOpen: boolean;
}

export interface ServerPlan {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  readonly tls: TlsServerOptions | undefined;
}

const DEFAULT_BACKLOG = 128;
const MAX_BACKLOG = 65_535;
/** The proposal's word for "whatever is right". */
const AUTOMATIC = -1;

export function asDictionary(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

export function readText(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} must be a string that is not empty`);
  return value;
}

/** IPv6 addresses may be written as in URLs, and as in permissions. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

export function readPortNumber(value: unknown, name: string, least: 0 | 1): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > 65_535)
    throw new TypeError(`${name} must be a whole number from ${String(least)} to 65535`);
  return value;
}

/** Left out, 0 or -1: a free port. */
export function readOwnPort(value: unknown): number {
  if (value === undefined || value === null || value === AUTOMATIC) return 0;
  return readPortNumber(value, 'port', 0);
}

export function readFlag(value: unknown, name: string): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`);
  return value;
}

/** @throws {TypeError} it is none */
export function readClientOptions(value: unknown): ClientPlan {
  const options = asDictionary(value, 'options');
  const { tls, signal, timeout } = options as Partial<ClientPlan>;
  const isSecure = readFlag(options['useSecureTransport'], 'useSecureTransport') ?? tls !== undefined;
  const name = readText(options['host'] ?? options['address'], 'host');
  const plan = {
    host: withoutBrackets(name),
    port: readPortNumber(options['port'], 'port', 1),
    tls: isSecure ? (tls ?? true) : undefined,
    signal,
    timeout,
  };
  // Whoever connects hears of mistakes in the call from the call, before there is a socket.
  validateConnect(plan);
  return { name, ...plan, awaitsOpen: readFlag(options['awaitOpen'], 'awaitOpen') ?? false };
}

function readBacklog(value: unknown): number {
  if (value === undefined || value === AUTOMATIC) return DEFAULT_BACKLOG;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw new TypeError('backlog must be a whole number from 1, or -1');
  return Math.min(value, MAX_BACKLOG);
}

/** @throws {TypeError} it is none */
export function readServerOptions(value: unknown): ServerPlan {
  const options = asDictionary(value ?? {}, 'options');
  const tls = options['tls'] as TlsServerOptions | undefined;
  const isSecure = readFlag(options['useSecureTransport'], 'useSecureTransport') ?? tls !== undefined;
  if (isSecure && tls === undefined)
    throw new TypeError('useSecureTransport needs a certificate: give { tls: { cert, key } }');
  return {
    host: options['host'] === undefined ? '0.0.0.0' : withoutBrackets(readText(options['host'], 'host')),
    port: readOwnPort(options['port']),
    backlog: readBacklog(options['backlog'] ?? options['backLog']),
    tls: isSecure ? tls : undefined,
  };
}
