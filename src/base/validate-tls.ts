/** The arguments of TLS, judged in one place, as `validate.ts` judges those of streams. Nobody's certificate is read here. */
import { parseIp } from './address.ts';
import { host } from './address-rules.ts';
import { isBytes, requireBytes } from './bytes.ts';
import type { DeadlinePlan } from './deadline-rules.ts';
import { DEADLINE, MAX_INT32 } from './deadline-rules.ts';
import type { Rule, Rules } from './rules.ts';
import {
  flag,
  integer,
  oneOf,
  optional,
  outOfRange,
  readOptions,
  readWith,
  requireFunction,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from './rules.ts';
import type { TlsMaterial, TlsSessions, TlsVersion } from './tls.ts';
import { DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_MAX_HANDSHAKES } from './tls.ts';

/** A certificate with its key. */
export interface TlsIdentity {
  readonly cert: TlsMaterial;
  readonly key: TlsMaterial;
  readonly passphrase: string | undefined;
}

interface CommonTlsPlan {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Empty: none is asked for. */
  readonly alpn: readonly string[];
  /** `undefined`: those of the platform for a client, none for a server. */
  readonly ca: readonly TlsMaterial[] | undefined;
}

export interface TlsClientPlan extends CommonTlsPlan {
  readonly role: 'client';
  readonly identity: TlsIdentity | undefined;
  /** A name or a numeric address, without the dot of the root; `undefined` only where names are not checked. */
  readonly servername: string | undefined;
  readonly sessions: TlsSessions | undefined;
  readonly checksCertificate: boolean;
  readonly checksName: boolean;
}

export interface TlsServerPlan extends CommonTlsPlan {
  readonly role: 'server';
  readonly identity: TlsIdentity;
  /** By names in lower case. */
  readonly names: ReadonlyMap<string, TlsIdentity>;
  readonly clientCertificate: 'none' | 'request' | 'require';
  readonly handshakeTimeout: number;
  readonly maxHandshakes: number;
}

export type TlsPlan = TlsClientPlan | TlsServerPlan;

export interface UpgradePlan extends DeadlinePlan {
  readonly head: Uint8Array | undefined;
  readonly tls: TlsPlan;
}

/** More than any program has, and an end to what a sparse array can cost. */
const MAX_ENTRIES = 4096;
/** Names of one octet to 255 (RFC 7301, 3.1); 255 of them fit the extension. */
const MAX_ALPN_NAME = 255;
const MAX_ALPN_NAMES = 255;

function list<T>(value: unknown, name: string, max: number, each: Rule<T>): readonly T[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array', value);
  const length = integer(0, max)(value.length, `${name}.length`);
  return Array.from({ length }, (_, i) => each(value[i], `${name}[${String(i)}]`));
}

function alpnName(value: unknown, name: string): string {
  const expected = 'a protocol name of 1 to 255 printable ASCII characters';
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  if (value.length > MAX_ALPN_NAME || !/^[\x20-\x7e]+$/.test(value)) throw outOfRange(name, expected, value);
  return value;
}

function alpn(value: unknown, name: string): readonly string[] {
  return list(value, name, MAX_ALPN_NAMES, alpnName);
}

/** Text, or a copy of the bytes. */
function material(value: unknown, name: string): TlsMaterial {
  const expected = 'PEM or DER, as text or bytes';
  if (typeof value !== 'string' && !isBytes(value)) throw wrongType(name, expected, value);
  const own = typeof value === 'string' ? value : new Uint8Array(requireBytes(value, name));
  if (own.length === 0) throw outOfRange(name, `${expected} that is not empty`, value);
  return own;
}

function authorities(value: unknown, name: string): readonly TlsMaterial[] {
  if (typeof value === 'string' || isBytes(value)) return [material(value, name)];
  if (!Array.isArray(value)) throw wrongType(name, 'PEM or DER, or an array of such', value);
  return list(value, name, MAX_ENTRIES, material);
}

/** The name as it is checked and told: with the dot of the root it would be no name of a certificate (RFC 6066, 3). */
function servername(value: unknown, name: string): string {
  const own = host(value, name);
  const bare = own.endsWith('.') ? own.slice(0, -1) : own;
  if (bare === '' || bare.startsWith('.')) throw outOfRange(name, 'a host name or a numeric address', value);
  return bare;
}

/** A name of a server's, perhaps with `*` for its first label. */
function servedName(name: string): string {
  const bare = name.replace(/\.$/, '').toLowerCase();
  const rest = bare.startsWith('*.') ? bare.slice(2) : bare;
  const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(rest) && parseIp(rest) === null;
  if (!isName || bare.length > 253)
    throw outOfRange('names', 'names such as "example.org" or "*.example.org", in ASCII', name);
  return bare;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrongType(name, 'text', value);
  return value;
}

const PAIR: Rules<{ cert: TlsMaterial; key: TlsMaterial }> = { cert: material, key: material };

function names(value: unknown, name: string): ReadonlyMap<string, TlsIdentity> {
  const object = requireObject(value, name);
  const keys = Object.keys(object);
  integer(0, MAX_ENTRIES)(keys.length, `${name}: their number`);
  return new Map(
    keys.map((key) => {
      const where = `${name}[${JSON.stringify(key)}]`;
      const pair = readOptions(requireObject(Reflect.get(object, key), where), PAIR, `${where}.`);
      return [servedName(key), { ...pair, passphrase: undefined }];
    }),
  );
}

function sessions(value: unknown, name: string): TlsSessions {
  const store = requireObject(value, name);
  for (const method of ['get', 'set', 'delete'])
    requireFunction(Reflect.get(store, method), `${name}.${method}`);
  return store as TlsSessions;
}

const version: Rule<TlsVersion> = oneOf('TLSv1.2', 'TLSv1.3');

const COMMON: Rules<CommonTlsPlan> = {
  minVersion: withDefault(version, 'TLSv1.2'),
  maxVersion: withDefault(version, 'TLSv1.3'),
  alpn: withDefault(alpn, []),
  ca: optional(authorities),
};

interface ClientOptions extends CommonTlsPlan {
  readonly cert: TlsMaterial | undefined;
  readonly key: TlsMaterial | undefined;
  readonly passphrase: string | undefined;
  readonly servername: string | undefined;
  readonly sessions: TlsSessions | undefined;
  readonly dangerouslyAcceptAnyName: boolean;
  readonly dangerouslyAcceptAnyCertificate: boolean;
}

const CLIENT: Rules<ClientOptions> = {
  ...COMMON,
  cert: optional(material),
  key: optional(material),
  passphrase: optional(text),
  servername: optional(servername),
  sessions: optional(sessions),
  dangerouslyAcceptAnyName: withDefault(flag, false),
  dangerouslyAcceptAnyCertificate: withDefault(flag, false),
};

type ServerOptions = TlsIdentity & Omit<TlsServerPlan, 'role' | 'identity'>;

/** Of one handshake. */
const HANDSHAKE: Rules<Omit<ServerOptions, 'maxHandshakes'>> = {
  ...COMMON,
  cert: material,
  key: material,
  passphrase: optional(text),
  names: withDefault(names, new Map()),
  clientCertificate: withDefault(oneOf('none', 'request', 'require'), 'none'),
  handshakeTimeout: withDefault(integer(1, MAX_INT32), DEFAULT_HANDSHAKE_TIMEOUT),
};

const SERVER: Rules<ServerOptions> = {
  ...HANDSHAKE,
  maxHandshakes: withDefault(integer(1, MAX_INT32), DEFAULT_MAX_HANDSHAKES),
};

function requireVersions({ minVersion, maxVersion }: CommonTlsPlan, prefix: string): void {
  if (minVersion > maxVersion)
    throw outOfRange(`${prefix}minVersion`, `no later version than ${maxVersion}`, minVersion);
}

function identityOf({ cert, key, passphrase }: ClientOptions, prefix: string): TlsIdentity | undefined {
  if (cert !== undefined && key !== undefined) return { cert, key, passphrase };
  if (cert === undefined && key === undefined) {
    if (passphrase !== undefined) throw wrongType(`${prefix}passphrase`, 'nothing without a key', passphrase);
    return undefined;
  }
  const [missing, given] = cert === undefined ? ['cert', 'key'] : ['key', 'cert'];
  throw wrongType(`${prefix}${missing}`, `one beside ${given}`, undefined);
}

/**
 * Judges what a client of TLS was given.
 *
 * @param known the host that was connected to: the server's name, unless another is given
 * @throws {TypeError | RangeError} also where there is no name to check
 */
export function validateTlsClient(value: unknown, known: string | undefined, prefix = ''): TlsClientPlan {
  const options = readWith(
    requireObject(value, prefix === '' ? 'options' : prefix.slice(0, -1)),
    CLIENT,
    prefix,
  );
  requireVersions(options, prefix);
  const { minVersion, maxVersion, alpn: protocols, ca, sessions: store } = options;
  const checksCertificate = !options.dangerouslyAcceptAnyCertificate;
  const checksName = checksCertificate && !options.dangerouslyAcceptAnyName;
  const name = options.servername ?? (known === undefined ? undefined : servername(known, 'host'));
  if (name === undefined && checksName)
    throw wrongType(`${prefix}servername`, 'the name that the certificate must have', undefined);
  return {
    role: 'client',
    minVersion,
    maxVersion,
    alpn: protocols,
    ca,
    identity: identityOf(options, prefix),
    servername: name,
    sessions: store,
    checksCertificate,
    checksName,
  };
}

/** Judges what a server of TLS was given. @throws {TypeError | RangeError} */
export function validateTlsServer(value: unknown, prefix = ''): TlsServerPlan {
  const source = requireObject(value, prefix === '' ? 'options' : prefix.slice(0, -1));
  const { cert, key, passphrase, ...rest } = readWith(source, SERVER, prefix);
  requireVersions(rest, prefix);
  if (rest.clientCertificate === 'require' && rest.ca === undefined)
    throw wrongType(`${prefix}ca`, 'the authorities of clients, whose certificates are required', undefined);
  return { role: 'server', identity: { cert, key, passphrase }, ...rest };
}

/** Judges `tls` of `connect`. @param known as in `validateTlsClient` @throws {TypeError | RangeError} */
export function validateConnectTls(value: unknown, known: string | undefined): TlsClientPlan | undefined {
  if (value === undefined) return undefined;
  const options = value === true ? {} : requireObject(value, 'tls');
  requireKnown(options, CLIENT, 'tls.');
  return validateTlsClient(options, known, 'tls.');
}

/** Judges `tls` of `listen`. @throws {TypeError | RangeError} */
export function validateListenTls(value: unknown): TlsServerPlan | undefined {
  if (value === undefined) return undefined;
  requireKnown(requireObject(value, 'tls'), SERVER, 'tls.');
  return validateTlsServer(value, 'tls.');
}

const role = withDefault(oneOf('client', 'server'), 'client');

const UPGRADE: Rules<DeadlinePlan & { head: Uint8Array | undefined; role: 'client' | 'server' }> = {
  ...DEADLINE,
  head: optional((value, name) => new Uint8Array(requireBytes(value, name))),
  role,
};

const UPGRADE_NAMES = { ...UPGRADE, ...CLIENT, ...HANDSHAKE };

/** Judges what was given to `Stream.upgrade`. @param known as in `validateTlsClient` @throws {TypeError | RangeError} */
export function validateUpgrade(value: unknown, known: string | undefined): UpgradePlan {
  const options = requireObject(value, 'options');
  requireKnown(options, UPGRADE_NAMES);
  const { role: which, head, signal, timeout } = readWith(options, UPGRADE);
  const tls = which === 'server' ? validateTlsServer(options) : validateTlsClient(options, known);
  return { head, signal, timeout, tls };
}
