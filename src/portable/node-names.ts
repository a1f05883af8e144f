/** What Node knows of names and interfaces: for every provider that lives in Node. */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';
import type { IpAddress } from '../base/address.ts';
import { formatAddress, parseIp } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { ResolveError, SystemError } from '../base/errors.ts';
import { orderAddresses } from '../base/happy-eyeballs.ts';
import type { NetworkInterface } from '../base/provider.ts';
import type { ResolvePlan } from '../base/validate.ts';
import { isNodeError, toSystemError } from './node-errors.ts';

const NODE_FAMILY = { ipv4: 4, ipv6: 6 } as const;

/**
 * Text that getaddrinfo would take for an IPv4 address in one of inet_aton's forms (`127.1`, `0x7f.1`, `2130706433`,
 * `010.0.0.1`), and that no name can be: the last label of a name is not a number (RFC 3696, section 2). What is no
 * address to `parseIp` must not become one behind its back.
 */
const LOOSE_NUMBER = /(^|\.)(\d+|0x[\da-f]*)\.?$/i;

/**
 * libuv passes on the names of getaddrinfo(3); Node folds two of them into one of its
 * own (lib/internal/errors.js), and answers EINVAL for a name that IDNA cannot encode.
 */
function toResolveError(error: unknown, host: string): ResolveError {
  const code = isNodeError(error) ? error.code : '';
  if (code === 'ENOTFOUND' || code === 'EINVAL')
    return new ResolveError('EAI_NONAME', host, { cause: error });
  if (code.startsWith('EAI_')) return new ResolveError(code, host, { cause: error });
  return new ResolveError('EAI_SYSTEM', host, { cause: toSystemError(error, { op: 'resolve' }) });
}

function resolveNumeric(address: IpAddress, { host, family }: ResolvePlan): readonly IpAddress[] {
  if (family !== undefined && family !== address.family) throw new ResolveError('EAI_ADDRFAMILY', host);
  return [address];
}

/** The same address may stand twice in hosts(5). */
function distinct(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [formatAddress({ ...address, port: 0 }), address])).values()];
}

async function lookUp({ host, family }: ResolvePlan): Promise<readonly IpAddress[]> {
  // IDNA turns digits of other scripts, and other dots, into these: '127。0。0。1' is such a number too.
  const ascii = domainToASCII(host);
  if (LOOSE_NUMBER.test(host) || (ascii !== host && LOOSE_NUMBER.test(ascii)))
    throw new ResolveError('EAI_NONAME', host);
  const answers = await lookup(host, {
    all: true,
    verbatim: true,
    family: family === undefined ? 0 : NODE_FAMILY[family],
  }).catch((error: unknown) => {
    throw toResolveError(error, host);
  });
  const addresses = distinct(answers.flatMap((answer) => parseIp(answer.address) ?? []));
  if (addresses.length === 0) throw new ResolveError('EAI_NODATA', host);
  return orderAddresses(addresses);
}

/**
 * The addresses of a name in the order in which they should be tried: that of getaddrinfo(3), the families alternating.
 * Numeric text is its own answer.
 *
 * A look-up holds a thread of libuv's until the resolver answers; a deadline only stops the waiting.
 *
 * @throws {ResolveError} `EAI_NONAME`, `EAI_AGAIN` …
 * @throws {SystemError} `ETIMEDOUT`
 * @throws the signal's reason, if it aborts first
 */
export async function resolveHost(plan: ResolvePlan, clock: Clock): Promise<readonly IpAddress[]> {
  if (plan.signal?.aborted === true) throw plan.signal.reason;
  const numeric = parseIp(plan.host);
  if (numeric !== null) return resolveNumeric(numeric, plan);
  const reason = `no answer in time for ${JSON.stringify(plan.host)}`;
  return withDeadline(
    lookUp(plan),
    plan,
    clock,
    () => new SystemError('ETIMEDOUT', { op: 'resolve', reason }),
  );
}

/** The addresses of this machine's interfaces that are up. @throws {SystemError} @see getifaddrs(3) */
export function listInterfaces(): readonly NetworkInterface[] {
  let table: ReturnType<typeof networkInterfaces>;
  try {
    table = networkInterfaces();
  } catch (error) {
    throw toSystemError(error, { op: 'interfaces' });
  }
  return Object.entries(table).flatMap(([name, rows]) =>
    (rows ?? []).flatMap(({ address: text, cidr, internal, ...row }): NetworkInterface[] => {
      const scope = 'scopeid' in row && row.scopeid !== 0 ? `%${name}` : '';
      const address = parseIp(`${text}${scope}`);
      // Node has no cidr for a mask with holes, for which there is no prefix length either.
      return address === null || cidr === null
        ? []
        : [{ name, address, prefixLength: Number(cidr.split('/')[1]), internal }];
    }),
  );
}
