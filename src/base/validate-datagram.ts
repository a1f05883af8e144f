/** The arguments of message sockets, judged in one place, as `validate.ts` judges those of streams. */
import type { IpAddress, IpFamily, SocketAddress } from './address.ts';
import { family, host, ipAddress, numericAddress, unixPath } from './address-rules.ts';
import { isBytes, requireBytes } from './bytes.ts';
import type { DatagramMeta, DatagramSink, Membership, OutgoingDatagram, UdpRemote } from './datagram.ts';
import { MAX_INT32 } from './deadline-rules.ts';
import { MAX_DATAGRAM_SIZE } from './provider.ts';
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
  requireObject,
  withDefault,
  wrongType,
} from './rules.ts';
import type { CommonPlan } from './validate.ts';
import { COMMON, port, refuse, requireOptions, UNIX_PATH } from './validate.ts';

export interface UdpBindPlan extends CommonPlan {
  readonly transport: 'udp';
  /** `undefined`: all addresses of the family of `remote`, or else of IPv4. */
  readonly host: IpAddress | undefined;
  readonly port: number;
  readonly remote: UdpRemote | undefined;
  /** As asked for, or that of `host`. */
  readonly family: IpFamily | undefined;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean | undefined;
  readonly icmpErrors: boolean;
}

export interface UnixBindPlan extends CommonPlan {
  readonly transport: 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly path: string | Uint8Array | undefined;
  readonly remotePath: string | Uint8Array | undefined;
  readonly stale: 'fail' | 'replace';
  readonly mode: number | undefined;
}

export type BindPlan = UdpBindPlan | UnixBindPlan;

export interface DatagramReadPlan {
  readonly maxSize: number;
  readonly chunks: 'owned' | 'view';
  /** Each name once. */
  readonly meta: ReadonlySet<DatagramMeta>;
}

const REMOTE: Rules<UdpRemote> = { host, port: integer(1, 65535) };

const UDP_BIND: Rules<Omit<UdpBindPlan, 'transport'>> = {
  ...COMMON,
  host: optional(numericAddress),
  port: withDefault(port, 0),
  remote: optional((value, name) => readWith(requireObject(value, name), REMOTE, `${name}.`)),
  family: optional(family),
  reuseAddress: withDefault(flag, false),
  reusePort: withDefault(flag, false),
  ipv6Only: optional(flag),
  icmpErrors: withDefault(flag, false),
};

const UNIX_BIND: Rules<Omit<UnixBindPlan, 'transport'>> = {
  ...COMMON,
  ...UNIX_PATH,
  type: withDefault(oneOf('datagram', 'seqpacket'), 'datagram'),
  path: optional(unixPath),
  remotePath: optional(unixPath),
};

const UNIX_ONLY = ['type', 'path', 'remotePath', 'stale', 'mode'] as const;
const UDP_ONLY = ['host', 'port', 'remote', 'family', 'reuseAddress', 'reusePort', 'ipv6Only', 'icmpErrors'];

const BIND_NAMES = { ...UDP_BIND, ...UNIX_BIND };

function validateUnixBind(options: object): UnixBindPlan {
  refuse(options, UDP_ONLY, 'of UDP on a Unix socket');
  const plan = readWith(options, UNIX_BIND);
  if (plan.type === 'seqpacket' && plan.remotePath === undefined)
    throw new TypeError('remotePath: a seqpacket must have one; to be connected to, use listenPackets');
  return { transport: 'unix', ...plan };
}

/** Judges what was given to `bind`. @throws {TypeError | RangeError} */
export function validateBind(value: unknown): BindPlan {
  const options = requireOptions(value, BIND_NAMES);
  if (UNIX_ONLY.some((name) => Reflect.get(options, name) !== undefined)) return validateUnixBind(options);
  const plan = readWith(options, UDP_BIND);
  const { host: own } = plan;
  if (own !== undefined && plan.family !== undefined && plan.family !== own.family)
    throw outOfRange('host', `an ${plan.family} address, as family says`, own.host);
  return { transport: 'udp', ...plan, family: plan.family ?? own?.family };
}

const metaName: Rule<DatagramMeta> = oneOf('local', 'timestamp', 'trafficClass', 'ttl');

function metaNames(value: unknown, name: string): ReadonlySet<DatagramMeta> {
  if (!Array.isArray(value)) throw wrongType(name, 'an array of names', value);
  const length = integer(0, 16)(value.length, `${name}.length`);
  return new Set(Array.from({ length }, (_, i) => metaName(value[i], `${name}[${String(i)}]`)));
}

const READ: Rules<DatagramReadPlan> = {
  maxSize: withDefault(integer(1, MAX_DATAGRAM_SIZE), MAX_DATAGRAM_SIZE),
  chunks: withDefault(oneOf('owned', 'view'), 'owned'),
  meta: withDefault(metaNames, new Set<DatagramMeta>()),
};

/** Judges what was given to `Datagram.start`. @throws {TypeError | RangeError} */
export function validateDatagramRead(options: unknown = {}): DatagramReadPlan {
  return readOptions(requireObject(options, 'options'), READ);
}

/** Judges a message socket's sink. @throws {TypeError} */
export function requireDatagramSink(sink: DatagramSink): void {
  requireObject(sink, 'sink');
  requireFunction(Reflect.get(sink, 'receive'), 'sink.receive');
  requireFunction(Reflect.get(sink, 'close'), 'sink.close');
}

const interfaceIndex = integer(1, MAX_INT32);

const MEMBERSHIP: Rules<Membership> = {
  group: ipAddress,
  interfaceIndex: optional(interfaceIndex),
  interfaceAddress: optional(ipAddress),
  source: optional(ipAddress),
};

/** Judges what was given to `join` and `leave`. @returns it cut loose from the caller's. @throws {TypeError | RangeError} */
export function validateMembership(value: unknown): Membership {
  const plan = readOptions(requireObject(value, 'membership'), MEMBERSHIP);
  if (plan.interfaceIndex !== undefined && plan.interfaceAddress !== undefined)
    throw new TypeError('interfaceAddress: expected nothing beside interfaceIndex');
  if (plan.source !== undefined && plan.source.family !== plan.group.family)
    throw outOfRange('source', `an ${plan.group.family} address, as the group's is`, plan.source.host);
  return plan;
}

/** A destination of UDP. Its text is judged, and not only its shape: it may come from anywhere. */
function udpAddress(value: unknown, name: string): SocketAddress {
  const object = requireObject(value, name);
  const address = ipAddress(object, name);
  return { ...address, port: integer(1, 65535)(Reflect.get(object, 'port'), `${name}.port`) };
}

function unixAddress(value: unknown, name: string): SocketAddress {
  const object = requireObject(value, name);
  if (Reflect.get(object, 'family') !== 'unix')
    throw wrongType(`${name}.family`, '"unix"', Reflect.get(object, 'family'));
  return { family: 'unix', path: unixPath(Reflect.get(object, 'path'), `${name}.path`) };
}

/** Judges where a message is to go, cut loose from the caller's object. @throws {TypeError | RangeError} */
export function validateDestination(to: unknown, transport: 'udp' | 'unix'): SocketAddress {
  if (to === undefined) throw wrongType('to', 'an address, as the socket is not connected', to);
  return (transport === 'udp' ? udpAddress : unixAddress)(to, 'to');
}

/** What a message socket is, as far as its messages go. */
export interface MessageKind {
  readonly transport: 'udp' | 'unix';
  readonly isConnected: boolean;
}

/**
 * Judges one message in full. The bytes stay the caller's: they are to be taken before anything else runs.
 *
 * @throws {TypeError | RangeError}
 */
export function validateMessage(value: unknown, kind: MessageKind): OutgoingDatagram {
  const message = requireObject(value, 'message');
  const bytes: unknown = Reflect.get(message, 'bytes');
  if (!isBytes(bytes)) throw wrongType('bytes', 'a Uint8Array', bytes);
  const to: unknown = Reflect.get(message, 'to');
  if (kind.isConnected && to !== undefined) throw wrongType('to', 'nothing on a connected socket', to);
  return {
    bytes: requireBytes(bytes),
    to: kind.isConnected ? undefined : validateDestination(to, kind.transport),
    from: optional(ipAddress)(Reflect.get(message, 'from'), 'from'),
    interfaceIndex: optional(interfaceIndex)(Reflect.get(message, 'interfaceIndex'), 'interfaceIndex'),
    ttl: optional(integer(0, 255))(Reflect.get(message, 'ttl'), 'ttl'),
    trafficClass: optional(integer(0, 255))(Reflect.get(message, 'trafficClass'), 'trafficClass'),
  };
}
