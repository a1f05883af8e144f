/**
 * CPython's `socket`, asked the same on the same machine, answers the same: each case of these tables goes through both.
 * Where they differ on purpose, `DIFFERENT` says how and why.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { ipBytes, parseIp } from '../base/address.ts';
import { ResolveError } from '../base/errors.ts';
import { PythonAgent } from '../e2e/python-agent.ts';
import type { InternetAddress } from './address.ts';
import { interfaceIndex, interfaceName, interfaces } from './interfaces.ts';
import { nameInfoSync } from './name-info.ts';
import { resolveSync } from './resolve.ts';
import { protocolByName, serviceByName, serviceByPort } from './services.ts';

const { constants, resolveErrors } = loadNative();
const skip = spawnSync('python3', ['-c', '']).status === 0 ? false : 'no python3';

const PRELUDE = `
def addresses(host, service, family, type, protocol, flags):
    # Bytes, for text is encoded for DNS first.
    host = None if host is None else host.encode()
    try: return [[f, t, p, name, list(a)] for f, t, p, name, a in
                 socket.getaddrinfo(host, service, family, type, protocol, flags)]
    except socket.gaierror as error: return error.errno
def names(host, port, flow, scope, flags):
    address = (host, port, flow, scope) if ':' in host else (host, port)
    try: return list(socket.getnameinfo(address, flags))
    except socket.gaierror as error: return error.errno
def attempt(call, *args):
    try: return call(*args)
    except OSError as error: return error.errno or 'none'
`;

/** Evaluates an expression of `case`, a list, for each of `cases`. */
function askAll<T>(
  python: PythonAgent,
  expression: string,
  cases: readonly unknown[],
): Promise<readonly T[]> {
  return python.ask(`[${expression} for case in json.loads(${JSON.stringify(JSON.stringify(cases))})]`);
}

type Case = readonly [
  host: string | null,
  service: string | number | null,
  family: number,
  type: number,
  protocol: number,
  flags: number,
];

const { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET } =
  constants;
const { AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED, AI_ALL, AI_ADDRCONFIG } =
  constants;

/** Only numbers and `localhost`: nothing is asked of a name server. */
const HOSTS = [
  ...[
    null,
    'localhost',
    '127.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '127.1',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
  ],
  ...[
    '::',
    '::1',
    '::1.2.3.4',
    '::ffff:1.2.3.4',
    '1:0:0:2:0:0:0:3',
    'FE80::1',
    'fe80::1%lo',
    'fe80::1%1',
    'ff02::1%lo',
  ],
];
const NO_HOSTS = [
  '[::1]',
  '::1%',
  '1.2.3.4.5',
  '1.2.3.256',
  '::g',
  ':::',
  'fe80::1%nosuch',
  '127.0.0.1%lo',
  '1.2.3.4/8',
];
const SERVICES = [null, 0, 80, 65535, '80', 'http', 'domain', 'ssh', 'no-such-service', '80x', '0x50'];
const FAMILIES = [AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 255];
const TYPES = [0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 77];
const PROTOCOLS = ['IP', 'TCP', 'UDP', 'ICMP', 'ICMPV6', 'SCTP', 'UDPLITE', 'RAW'] as const;
const FLAGS = [
  ...[0, AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED, AI_ALL, AI_ADDRCONFIG],
  ...[AI_V4MAPPED | AI_ALL, AI_PASSIVE | AI_CANONNAME, AI_NUMERICHOST | AI_CANONNAME, 2 ** 30],
];

function addressCases(): readonly Case[] {
  const cases: Case[] = [];
  for (const host of [...HOSTS, ...NO_HOSTS]) {
    const numeric = host !== null && NO_HOSTS.includes(host) ? AI_NUMERICHOST : 0;
    for (const family of FAMILIES) {
      for (const service of SERVICES) cases.push([host, service, family, SOCK_STREAM, 0, numeric]);
      for (const flags of FLAGS) cases.push([host, 80, family, SOCK_STREAM, 0, numeric | flags]);
    }
    for (const type of TYPES)
      for (const name of PROTOCOLS) cases.push([host, 9, 0, type, constants[`IPPROTO_${name}`], numeric]);
  }
  return cases;
}

type PythonRow = readonly [
  family: number,
  type: number,
  protocol: number,
  name: string,
  address: readonly [host: string, port: number, flow?: number, scope?: number],
];

/** A row of CPython's, or of ours, with its address as bytes: text has several forms. */
type Row = readonly [...numbers: readonly number[], name: string, bytes: string, port: number, scope: number];

const hex = (host: string): string => {
  const ip = parseIp(host);
  assert.ok(ip !== null, host);
  return Buffer.from(ipBytes(ip)).toString('hex');
};

function fromPython(answer: number | readonly PythonRow[]): string | readonly Row[] {
  if (typeof answer === 'number') return nameOf(answer);
  return answer.map(([family, type, protocol, name, [host, port, , scope = 0]]) => {
    const [text = ''] = host.split('%');
    return [family, type, protocol, name, hex(text), port, scope];
  });
}

const nameOf = (code: number): string =>
  Object.entries(resolveErrors).find(([, number]) => number === code)?.[0] ?? String(code);

/** The code of the error that `call` throws, or what it answers. */
function codeOr<T>(call: () => T): string | T {
  try {
    return call();
  } catch (error) {
    if (error instanceof ResolveError) return error.code;
    throw error;
  }
}

const ours = ([host, service, family, type, protocol, flags]: Case): string | readonly Row[] =>
  codeOr(() =>
    resolveSync(host, { service: service ?? undefined, family, type, protocol, flags }).map((row) => {
      const { host: text, port, scope = '0' } = row.address as InternetAddress;
      return [row.family, row.type, row.protocol, row.canonicalName ?? '', hex(text), port, Number(scope)];
    }),
  );

test(
  'resolveSync answers what getaddrinfo of CPython does, for every host, service and hint',
  { skip },
  async (t) => {
    const cases = addressCases();
    const python = new PythonAgent(t, PRELUDE);
    const answers = await askAll<number | readonly PythonRow[]>(python, 'addresses(*case)', cases);
    for (const [i, each] of cases.entries())
      assert.deepEqual(ours(each), fromPython(answers[i] ?? 0), JSON.stringify(each));
    const failed = answers.filter((each) => typeof each === 'number').length;
    assert.ok(failed > 500 && cases.length - failed > 500);
  },
);

/** What CPython, or the C library below it, takes and we refuse. */
const DIFFERENT: readonly (readonly [Case, python: unknown, why: string])[] = [
  [['127.0.0.1', 70000, 0, SOCK_STREAM, 0, 0], 4464, 'glibc keeps the lowest 16 bits of a port'],
  [['127.0.0.1', '65616', 0, SOCK_STREAM, 0, 0], 80, 'glibc keeps the lowest 16 bits of a port'],
  [['127.0.0.1', ' 80', 0, SOCK_STREAM, 0, 0], 80, 'strtoul(3) passes over blanks'],
  [['127.0.0.1', '+80', 0, SOCK_STREAM, 0, 0], 80, 'strtoul(3) takes a sign'],
  [['127.0.0.1', '080', 0, SOCK_STREAM, 0, 0], 80, 'zeros at the start look like octal'],
  [['127.0.0.1', '', 0, SOCK_STREAM, 0, 0], 0, 'an empty service is a slip'],
  [['', '80', 0, SOCK_STREAM, 0, AI_NUMERICHOST], 'EAI_NONAME', 'an empty host is a slip'],
];
for (const [each, expected, why] of DIFFERENT) {
  test(
    `resolveSync refuses what CPython takes: ${why} (${JSON.stringify(each.slice(0, 2))})`,
    { skip },
    async (t) => {
      const python = new PythonAgent(t, PRELUDE);
      const [answer] = await askAll<number | readonly PythonRow[]>(python, 'addresses(*case)', [each]);
      const port = typeof answer === 'number' ? nameOf(answer) : answer?.[0]?.[4][1];
      assert.equal(port, expected);
      assert.throws(() => ours(each), RangeError);
    },
  );
}

test('nameInfoSync answers what getnameinfo of CPython does', { skip }, async (t) => {
  const { NI_NUMERICHOST, NI_NUMERICSERV, NI_DGRAM, NI_NAMEREQD, NI_NOFQDN, NI_IDN } = constants;
  const flags = [
    ...[
      NI_NUMERICHOST,
      NI_NUMERICSERV | NI_NUMERICHOST,
      NI_DGRAM | NI_NUMERICHOST,
      NI_NUMERICHOST | NI_NAMEREQD,
    ],
    ...[NI_NUMERICHOST | NI_IDN, 2 ** 30],
  ];
  // Names that stand in hosts(5).
  const named = [0, NI_NOFQDN, NI_NAMEREQD, NI_NUMERICSERV];
  const ports = [0, 22, 53, 80, 514, 65535];
  const cases: (readonly [host: string, port: number, flow: number, scope: number, flags: number])[] = [];
  for (const port of ports) {
    for (const each of flags) {
      for (const host of ['127.0.0.1', '192.0.2.1', '0.0.0.0', '::1', '::', '::ffff:1.2.3.4', '2001:db8::1'])
        cases.push([host, port, 0, 0, each]);
      for (const scope of [0, 1, 77]) cases.push(['fe80::1', port, 0, scope, each]);
    }
    for (const each of named) cases.push(['127.0.0.1', port, 0, 0, each]);
  }
  const python = new PythonAgent(t, PRELUDE);
  const answers = await askAll<number | readonly [string, string]>(python, 'names(*case)', cases);
  for (const [i, [host, port, , scope, each]] of cases.entries()) {
    const address = host.includes(':')
      ? { family: 'ipv6' as const, host, port, ...(scope === 0 ? {} : { scope: String(scope) }) }
      : { family: 'ipv4' as const, host, port };
    const info = codeOr(() => nameInfoSync(address, { flags: each }));
    const answer = answers[i] ?? 0;
    const expected = typeof answer === 'number' ? nameOf(answer) : { host: answer[0], service: answer[1] };
    assert.deepEqual(info, expected, JSON.stringify(cases[i]));
  }
});

test('services and protocols are those of CPython', { skip }, async (t) => {
  const python = new PythonAgent(t, PRELUDE);
  const names = [
    'http',
    'www',
    'ssh',
    'domain',
    'SSH',
    'no-such',
    'null',
    'syslog',
    'shell',
    'x'.repeat(255),
  ];
  const protocols = ['tcp', 'udp', 'sctp', 'TCP', 'no-such'];
  const byName = names.flatMap((name) => [[name], ...protocols.map((protocol) => [name, protocol])]);
  const ports = await askAll<number | string>(python, 'attempt(socket.getservbyname, *case)', byName);
  for (const [i, [name = '', protocol]] of byName.entries())
    assert.equal(serviceByName(name, protocol)?.port ?? 'none', ports[i], JSON.stringify(byName[i]));

  const byPort = [0, 1, 22, 53, 80, 443, 514, 65535].flatMap((port) =>
    protocols.map((each) => [port, each] as const),
  );
  const services = await askAll<string>(python, 'attempt(socket.getservbyport, *case)', byPort);
  for (const [i, [port, protocol]] of byPort.entries())
    assert.equal(serviceByPort(port, protocol)?.name ?? 'none', services[i], JSON.stringify(byPort[i]));

  const protocolNames = ['ip', 'tcp', 'TCP', 'udp', 'icmp', 'ICMP', 'ipv6-icmp', 'no-such'].map((name) => [
    name,
  ]);
  const numbers = await askAll<number | string>(
    python,
    'attempt(socket.getprotobyname, *case)',
    protocolNames,
  );
  for (const [i, [name = '']] of protocolNames.entries())
    assert.equal(protocolByName(name)?.number ?? 'none', numbers[i], name);
});

test('interface names and numbers are those of CPython', { skip }, async (t) => {
  const python = new PythonAgent(t, PRELUDE);
  const pairs = await python.ask<readonly (readonly [number, string])[]>('socket.if_nameindex()');
  assert.deepEqual(
    interfaces().map(({ index, name }) => [index, name]),
    [...pairs].sort(([one], [other]) => one - other),
  );
  for (const [index, name] of pairs) {
    assert.equal(interfaceIndex(name), index);
    assert.equal(interfaceName(index), name);
  }
  const { ENXIO } = loadNative().errorNumbers;
  // CPython words the first itself, and hands on what the system says of the second.
  assert.deepEqual(await python.ask(`attempt(socket.if_nametoindex, 'no-such')`), 'none');
  assert.deepEqual(await python.ask('attempt(socket.if_indextoname, 7777)'), ENXIO);
  assert.throws(() => interfaceIndex('no-such'), { code: 'ENODEV' });
  assert.throws(() => interfaceName(7777), { code: 'ENXIO', errno: ENXIO });
});
