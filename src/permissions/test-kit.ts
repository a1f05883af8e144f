/** For this folder's tests: their case tables, and policies from texts. */
import { readFileSync } from 'node:fs';
import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { SocketProvider, TcpConnectOptions } from '../base/provider.ts';
import { parseRules } from './native-dialect.ts';
import type { SocketOp } from './ops.ts';
import type { Decide, Decision } from './policy.ts';
import { rulesPolicy } from './policy.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';
import { parseWebExtensionPermission } from './webextension-dialect.ts';

/** Reads a table of `testdata`, which stays with the sources. */
export function readCases(name: string): unknown {
  const file = new URL(`../../src/permissions/testdata/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}

/** What is asked, as a table has it. */
export type AskedRow = readonly [op: SocketOp, host: string, port: number, address?: string];
export type Outcome = 'allowed' | 'denied' | 'depends';

export function requestOf([op, host, port, address]: AskedRow): SocketRequest {
  if (address === undefined) return { op, host, port };
  const resolved = parseIp(address);
  if (resolved === null) throw new Error(`no address: ${address}`);
  return { op, host, port, address: resolved };
}

export function outcomeOf({ allowed, dependsOnAddress }: Decision): Outcome {
  if (allowed) return 'allowed';
  return dependsOnAddress === true ? 'depends' : 'denied';
}

export type Dialect = 'chrome' | 'native' | 'webextension';

export function readRules(dialect: Dialect, texts: readonly string[]): readonly Rule[] {
  if (dialect === 'native') return parseRules(texts);
  return texts.map(dialect === 'chrome' ? parseSocketRule : parseWebExtensionPermission);
}

/** All that a guard can be asked, granted. */
export const EVERYTHING: readonly string[] = [
  ...['tcp-connect:*:*', 'tcp-listen:*:*', 'udp-bind:*:*', 'udp-send-to:*:*', 'udp-multicast-membership'],
  ...['unix', 'resolve-host', 'network-state'],
];

/** The policy of rules in the native dialect. */
export function only(...texts: readonly string[]): Decide {
  return rulesPolicy(parseRules(texts));
}

export interface Spy {
  readonly provider: SocketProvider;
  /** What reached it: the names of calls and their arguments. */
  readonly calls: (readonly [name: string, ...args: unknown[]])[];
}

/** What names are resolved to, unless a test says otherwise. */
export const PUBLIC: IpAddress = { family: 'ipv4', host: '192.0.2.1' };

/** A provider that only writes down what reaches it. @param names what it resolves names to, other than to one address */
export function spyProvider(names: Readonly<Record<string, readonly string[]>> = {}): Spy {
  const calls: Spy['calls'] = [];
  const note =
    (name: string, answer: (first: unknown) => unknown = () => name) =>
    (...args: unknown[]): Promise<never> => {
      calls.push([name, ...args]);
      return Promise.resolve(answer(args[0]) as never);
    };
  const remoteOf = (options: unknown): unknown => {
    const { addresses, port } = options as TcpConnectOptions;
    const remote = addresses?.[0] === undefined ? { family: 'unix', path: '' } : { ...addresses[0], port };
    return { remote, id: 1 };
  };
  const addressesOf = (host: unknown): readonly (IpAddress | null)[] =>
    names[String(host)]?.map(parseIp) ?? [PUBLIC];
  const provider: SocketProvider = {
    capabilities: new Set(['tcp' as const]),
    connect: note('connect', remoteOf),
    listen: note('listen'),
    listenPackets: note('listenPackets'),
    bind: note('bind', () => ({ id: 1, transport: 'udp' })),
    resolve: note('resolve', addressesOf),
    interfaces: note('interfaces'),
    sockets: () => [],
    abort: () => false,
    close: note('close'),
    [Symbol.asyncDispose]: note('dispose'),
  };
  return { provider, calls };
}

/** The addresses that were dialled. */
export function dialled({ calls }: Spy): unknown[] {
  return calls.flatMap(([name, options]) =>
    name === 'connect' ? [(options as TcpConnectOptions).addresses?.map(({ host }) => host)] : [],
  );
}
