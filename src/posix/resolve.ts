/** Names to addresses: getaddrinfo(3), with all that it can be asked. */
import type { ConstantName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import type { AddressQuestion, NativeAnswer } from '../addon/native-names.ts';
import { host as hostRule } from '../base/address-rules.ts';
import type { Rule, Rules } from '../base/rules.ts';
import {
  integer,
  optional,
  outOfRange,
  readWith,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from '../base/rules.ts';
import type { SocketAddress } from './address.ts';
import { family, flagSet, protocol, socketType, WAIT, waitOf } from './arguments.ts';
import type { Subject } from './lookups.ts';
import { ask, checkAnswer } from './lookups.ts';
import { decodeSockaddr, UNSPECIFIED } from './sockaddr.ts';
import type { FamilyName, ProtocolName, TypeName } from './socket.ts';
import type { AsyncWait } from './waiting.ts';

/** A name of a flag of `resolve`. */
export type ResolveFlag = Extract<ConstantName, `AI_${string}`>;

/** What `resolve` is to look for. Each is what `hints` has in getaddrinfo(3). */
export interface ResolveHints {
  /** A port, as a number or as text, or a service's name. Left out, ports are 0. */
  readonly service?: string | number | undefined;
  /** `AF_INET`, `AF_INET6`, or as it is left out, both. */
  readonly family?: FamilyName | number | undefined;
  /** Left out, an address comes once for each type of socket. */
  readonly type?: TypeName | number | undefined;
  readonly protocol?: ProtocolName | number | undefined;
  /** `AI_…` names, or the sum of their numbers. Names are sent as UTF-8; with `AI_IDN` they are encoded for DNS. */
  readonly flags?: readonly ResolveFlag[] | number | undefined;
}

export interface ResolveOptions extends ResolveHints, AsyncWait {}

/** One row of getaddrinfo(3): the arguments of `Socket.socket`, and an address for it. */
export interface AddressInfo {
  /** An `AF_…` number. */
  readonly family: number;
  /** A `SOCK_…` number. */
  readonly type: number;
  /** An `IPPROTO_…` number. */
  readonly protocol: number;
  /** Those that were asked for. */
  readonly flags: number;
  readonly address: SocketAddress;
  /** Only in the first row, and only with `AI_CANONNAME`. */
  readonly canonicalName: string | null;
}

/** Text that getaddrinfo reads as a number (strtoul(3)), and then keeps the lowest 16 bits of. */
const NUMBER = /^[+-]?\d+$/;
const PORT = /^(0|[1-9]\d{0,4})$/;
const MAX_SERVICE = 255;

const port = integer(0, 65535);

function service(value: unknown, name: string): string {
  if (typeof value === 'number') return String(port(value, name));
  const expected = 'a port from 0 to 65535, or the name of a service';
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  const isName = value !== '' && value.length <= MAX_SERVICE && !/[\0-\x20\x7f\p{Surrogate}]/u.test(value);
  const isPort = PORT.test(value) && Number(value) <= 65535;
  if (!isName || (NUMBER.test(value) && !isPort)) throw outOfRange(name, expected, value);
  return value;
}

interface Hints {
  readonly service: string | undefined;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly flags: number;
}

const HINTS: Rules<Hints> = {
  service: optional(service),
  family: withDefault(family, 0),
  type: withDefault(socketType, 0),
  protocol,
  flags: withDefault(flagSet('AI_'), 0),
};

const HINTS_AND_WAIT = { ...HINTS, ...WAIT };

const hostOrNull: Rule<string | null> = (value, name) => (value === null ? null : hostRule(value, name));

interface Plan {
  readonly question: AddressQuestion;
  readonly subject: Subject;
}

/** @param known what the options may have */
function plan(givenHost: unknown, options: unknown = {}, known: object = HINTS): Plan {
  const host = hostOrNull(givenHost, 'host');
  requireKnown(requireObject(options, 'options'), known);
  const hints = readWith(options as object, HINTS);
  const { service, family, type, protocol, flags } = hints;
  return {
    question: [host, service ?? null, family, type, protocol, flags],
    subject: { op: 'resolve', syscall: 'getaddrinfo', host: host ?? '', service },
  };
}

function readRows({ addresses }: NativeAnswer): readonly AddressInfo[] {
  return addresses.map(({ sockaddr, ...row }) => ({
    ...row,
    address: decodeSockaddr(sockaddr) ?? UNSPECIFIED,
  }));
}

/**
 * Looks up the addresses of a host, a service, or both, on a thread of Portside's own. The rows come in the system's
 * order, which is that of RFC 6724.
 *
 * A host is read as the C library reads it: `127.1` and `0x7f.1` are IPv4 addresses too. While the lookup lasts it keeps
 * the process alive. One that is given up early may go on for as long as the system lets it, unheard; until then it
 * counts among the three that one thread of JavaScript can have under way. Others wait for their turn, up to 1024.
 *
 * @param host `null` is this machine: its loopback addresses, or with `AI_PASSIVE` all of its addresses
 * @throws {ResolveError} `EAI_NONAME`, `EAI_AGAIN` …
 * @throws {SystemError} `ETIMEDOUT`
 * @throws {BusyError} too many lookups are waiting
 * @throws the signal's reason, if it aborts first
 * @see getaddrinfo(3)
 */
export async function resolve(
  host: string | null,
  options?: ResolveOptions,
): Promise<readonly AddressInfo[]> {
  const { question, subject } = plan(host, options, HINTS_AND_WAIT);
  const wait = waitOf(options, HINTS_AND_WAIT);
  return readRows(await ask((names) => names.askAddresses(...question), subject, wait));
}

/**
 * The same, and blocks the thread: for as long as a name server likes, unless host and service are numbers.
 *
 * @throws {ResolveError}
 * @see getaddrinfo(3)
 */
export function resolveSync(host: string | null, options?: ResolveHints): readonly AddressInfo[] {
  const { question, subject } = plan(host, options);
  return readRows(checkAnswer(loadNative().findAddresses(...question), subject));
}
