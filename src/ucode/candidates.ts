/** What a host, a service and hints stand for: where the module's `connect` and `listen` may connect to, or listen. */
import type { SocketAddress as PosixAddress } from '../posix/address.ts';
import { constants, errorNumbers, resolveErrors } from '../posix/constants.ts';
import { familyNumber, isPath, parseAddress, withPort } from './addresses.ts';
import { isAbsent } from './arguments.ts';
import { isByteString, toText } from './byte-strings.ts';
import { Failure } from './failure.ts';
import { toInteger, UINT16 } from './loose.ts';
import type { HintNumbers } from './resolve.ts';
import { bareHost, lookUp, serviceText } from './resolve.ts';

const { AF_INET, AF_INET6, AF_UNSPEC, AI_PASSIVE, SOCK_STREAM } = constants;

/** Arguments of `socket`, and an address for it. */
export interface Candidate {
  readonly family: number;
  /** 0 where neither hints nor the resolver say one. */
  readonly type: number;
  readonly protocol: number;
  readonly address: PosixAddress;
}

/** What is asked for. */
export interface Target {
  readonly host: unknown;
  readonly service: unknown;
  readonly hints: HintNumbers;
}

/** An IP address as text, perhaps with a port; `null` for what is a name. */
function literal(text: string): PosixAddress | null {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof Failure && error.code === errorNumbers.EINVAL) return null;
    throw error;
  }
}

const isNumber = (service: unknown): boolean => /^\d*$/.test(serviceText(service) ?? '');

/** The address of an IP address as text; `null` if the resolver is to be asked, as it must be for names of services. */
function literalAddress(text: string, { service, hints }: Target): PosixAddress | null {
  const address = literal(text);
  if (address === null || !isNumber(service)) return null;
  const isWanted = hints.family === AF_UNSPEC || hints.family === familyNumber(address);
  return isWanted ? address : null;
}

/** The address, if no name has to be looked up. */
function fixedAddress(target: Target): PosixAddress | null {
  const { host, service } = target;
  if (isAbsent(host)) return null;
  const isText = isByteString(host) && !isPath(host);
  const address = isText ? literalAddress(toText(host), target) : parseAddress(host);
  if (address === null || isAbsent(service)) return address;
  return withPort(address, toInteger(service, UINT16, 'Invalid port number'));
}

/** A name, and the port that may be written behind it. */
function splitHost(host: unknown, service: string | undefined): [host: string | null, service?: string] {
  if (!isByteString(host)) return service === undefined ? [null] : [null, service];
  const bare = bareHost(host);
  if (service !== undefined) return [bare, service];
  const [, name, port] = /^([^:]+):(\d+)$/.exec(bare) ?? [];
  const number = serviceText(port);
  return name === undefined || number === undefined ? [bare] : [name, number];
}

/** All that the resolver knows. */
function resolvedCandidates({ host, service, hints }: Target): readonly Candidate[] {
  const [name, port = '0'] = splitHost(host, serviceText(service));
  const socktype = hints.socktype === 0 ? SOCK_STREAM : hints.socktype;
  const found = lookUp(name, port, { ...hints, socktype });
  return found.filter(({ family }) => family === AF_INET || family === AF_INET6);
}

/**
 * Where to, in the order of preference.
 *
 * @throws {Failure} an `EAI_` number if there is nowhere; EINVAL …
 */
export function findCandidates(target: Target): readonly Candidate[] {
  const address = fixedAddress(target);
  if (address !== null) {
    const { socktype, protocol } = target.hints;
    return [{ family: familyNumber(address), type: socktype, protocol, address }];
  }
  const candidates = resolvedCandidates(target);
  if (candidates.length > 0) return candidates;
  throw new Failure(resolveErrors.EAI_NONAME, 'Could not resolve host address');
}

// --- to listen ----------------------------------------------------------------------------------

/** How good an address is to listen at: one that others can reach rather than loopback, and rather of IPv6. */
function weightOf({ address }: Candidate): number {
  if (address.family !== 'ipv4' && address.family !== 'ipv6') return 0;
  const { host } = address;
  const isIpv6 = address.family === 'ipv6';
  const isLoopback = isIpv6 ? host === '::1' : host.startsWith('127.');
  const isLinkLocal = isIpv6 ? /^fe[89ab]/.test(host) : host.startsWith('169.254.');
  return (isLoopback ? 0 : 4) + (isIpv6 ? 2 : 0) + (isLinkLocal ? 0 : 1);
}

/** The best of the addresses to listen at; of equals the first. */
export function findBest(target: Target): Candidate {
  const { hints } = target;
  const candidates = findCandidates({ ...target, hints: { ...hints, flags: hints.flags | AI_PASSIVE } });
  return candidates.reduce((best, each) => (weightOf(each) > weightOf(best) ? each : best));
}
