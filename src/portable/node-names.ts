/** What Node knows of names and interfaces: for every provider that lives in Node. */
import { lookup } from 'node:dns/promises';
import { closeSync, openSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import { devNull, networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';
import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { SystemError } from '../base/errors.ts';
import { ResolveError } from '../base/errors.ts';
import type { LookUpOptions, NamesOptions, Resolver } from '../base/names.ts';
import { careful, MAX_LOOKUPS, Names } from '../base/names.ts';
import type { NetworkInterface } from '../base/provider.ts';
import { requireFunction } from '../base/rules.ts';
import { isNodeError, toSystemError } from './node-errors.ts';

const NODE_FAMILY = { ipv4: 4, ipv6: 6 } as const;

/**
 * For want of a descriptor the C library finds no name server, and says that there is no such name. Whether there is one can
 * be tried.
 */
function shortage(): SystemError | undefined {
  try {
    closeSync(openSync(devNull, 'r'));
  } catch (error) {
    if (isNodeError(error) && (error.code === 'EMFILE' || error.code === 'ENFILE'))
      return toSystemError(error, { op: 'resolve' });
  }
  return undefined;
}

/**
 * libuv passes on the names of getaddrinfo(3); Node folds two of them into one of its
 * own (lib/internal/errors.js), and answers EINVAL for a name that IDNA cannot encode.
 */
function toResolveError(error: unknown, host: string): ResolveError {
  const code = isNodeError(error) ? error.code : '';
  const lacking = shortage();
  if (lacking !== undefined) return new ResolveError('EAI_SYSTEM', host, { cause: lacking });
  if (code === 'ENOTFOUND' || code === 'EINVAL')
    return new ResolveError('EAI_NONAME', host, { cause: error });
  if (code.startsWith('EAI_')) return new ResolveError(code, host, { cause: error });
  return new ResolveError('EAI_SYSTEM', host, { cause: toSystemError(error, { op: 'resolve' }) });
}

/** What stands in a name of the DNS, in any script. */
const PLAIN = /^[\w.\-\u{80}-\u{10ffff}]*$/u;
const ASCII = /^[\0-\x7f]*$/;

/** The form that a name has in the DNS; empty if it has none. */
export function toAscii(host: string): string {
  const isAscii = ASCII.test(host);
  // Of other characters domainToASCII makes more than this: it decodes %41, and ends at a slash.
  if (!PLAIN.test(host)) return isAscii ? host : '';
  const encoded = domainToASCII(host);
  return isAscii && encoded !== '' ? host : encoded;
}

/** The system's own resolver, through Node. */
async function lookUp(
  host: string,
  { family }: Pick<LookUpOptions, 'family'>,
): Promise<readonly IpAddress[]> {
  const answers = await lookup(host, {
    all: true,
    verbatim: true,
    family: family === undefined ? 0 : NODE_FAMILY[family],
  }).catch((error: unknown) => {
    throw toResolveError(error, host);
  });
  return answers.flatMap((answer) => parseIp(answer.address) ?? []);
}

/**
 * Of the threads of libuv's pool, names may hold half: two, unless UV_THREADPOOL_SIZE says otherwise. One more would wait
 * in there, and nobody could take it back.
 */
const MAX_NODE_LOOKUPS = 2;

export interface NodeNamesOptions {
  readonly clock: Clock;
  readonly resolver?: Resolver<AbortSignal> | undefined;
}

/** Another way to look names up, and how many such look-ups there are at once. */
export type SystemNames = Pick<NamesOptions<AbortSignal>, 'lookUp' | 'limit'>;

const NODE_NAMES: SystemNames = { lookUp, limit: MAX_NODE_LOOKUPS };

/**
 * The names of a provider that lives in Node. A look-up by Node holds its thread until the system's resolver answers; whoever
 * gives up only stops waiting.
 *
 * @throws {TypeError} `resolver` is no function
 */
export function nodeNames(
  { clock, resolver }: NodeNamesOptions,
  system: SystemNames = NODE_NAMES,
): Names<AbortSignal> {
  if (resolver !== undefined) requireFunction(resolver, 'resolver');
  const source = resolver === undefined ? system : { lookUp: careful(resolver), limit: MAX_LOOKUPS };
  return new Names({ ...source, clock, toAscii, makeController: () => new AbortController() });
}

type NodeAddress = NetworkInterfaceInfo & { readonly scopeid?: number };

function toInterface(name: string, row: NodeAddress, index: number | undefined): NetworkInterface[] {
  const { address: text, cidr, internal, scopeid = 0 } = row;
  const address = parseIp(scopeid === 0 ? text : `${text}%${name}`);
  // Node has no cidr for a mask with holes, for which there is no prefix length either.
  if (address === null || cidr === null) return [];
  const prefixLength = Number(cidr.split('/')[1]);
  return [{ name, address, prefixLength, internal, ...(index === undefined ? {} : { index }) }];
}

/**
 * The addresses of this machine's interfaces that are up. Node tells an interface's number only with an address of the link.
 *
 * @throws {SystemError}
 * @see getifaddrs(3)
 */
export function listInterfaces(): readonly NetworkInterface[] {
  let table: ReturnType<typeof networkInterfaces>;
  try {
    table = networkInterfaces();
  } catch (error) {
    throw toSystemError(error, { op: 'interfaces' });
  }
  return Object.entries(table).flatMap(([name, rows = []]) => {
    const found = rows.find((row: NodeAddress) => (row.scopeid ?? 0) !== 0) as NodeAddress | undefined;
    return rows.flatMap((row) => toInterface(name, row, found?.scopeid));
  });
}
