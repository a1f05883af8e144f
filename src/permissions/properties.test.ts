/** What holds of all rules and requests, by a naive matcher over bits and labels. A failing example becomes a row of `testdata`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpv6 } from '../base/address.ts';
import type { HostPattern } from './host-pattern.ts';
import { formatHostPort, parseHostPort } from './host-port.ts';
import { matchesRule } from './matcher.ts';
import { parseRule } from './native-dialect.ts';
import { rulesPolicy } from './policy.ts';
import type { PortSet } from './ports.ts';
import { portSet } from './ports.ts';
import { covers, implies, meets } from './relations.ts';
import { ruleOf } from './request-rule.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatRule } from './rule.ts';
import { formatSocketRule, parseSocketRule } from './socket-permission.ts';
import { outcomeOf } from './test-kit.ts';
import { formatWebExtensionPermission, parseWebExtensionPermission } from './webextension-dialect.ts';

// --- what is asked, as what it is and as it is written ------------------------------------------------

/** A host as what it is: labels of a name, or 128 bits of an address. */
interface Meant {
  readonly text: string;
  readonly labels: readonly string[] | undefined;
  readonly bits: string | undefined;
}

const toBits = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const octet = fc.constantFrom(0, 1, 7, 10, 64, 127, 128, 192, 255);
const v4 = fc.tuple(octet, octet, octet, octet);
/** IPv6 addresses that carry an IPv4 one, and others. */
const v6 = fc.oneof(
  v4.map((inner) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...inner]),
  v4.map((inner) => [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ...inner]),
  v4.map((inner) => [0, 0x64, 0xff, 0x9b, 0, 1, 0, 0, 0, 0, 0, 0, ...inner]),
  v4.map((inner) => [0x20, 0x02, ...inner, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  v4.map((inner) => [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...inner]),
);

/** All ways to write one IPv4 address that lead to it. */
function spellingsOf(bytes: readonly number[]): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const dotted = bytes.join('.');
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const wide = dotted.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
  return [
    dotted,
    `${dotted}.`,
    String(number),
    `0x${number.toString(16)}`,
    `0${number.toString(8)}`,
    `${String(a)}.${String((b * 256 + c) * 256 + d)}`,
    `0x${a.toString(16)}.${String(b)}.0${c.toString(8)}.${String(d)}`,
    `::ffff:${dotted}`,
    formatIpv6(Uint8Array.from([...MAPPED, ...bytes])),
    wide,
    dotted.replaceAll('.', '。'),
  ];
}

const addressHosts: fc.Arbitrary<Meant> = fc.oneof(
  fc.tuple(v4, fc.nat(10)).map(([bytes, way]) => ({
    text: spellingsOf(bytes)[way] ?? '',
    labels: undefined,
    bits: toBits([...MAPPED, ...bytes]),
  })),
  fc.tuple(v6, fc.constantFrom('', '%eth0'), fc.boolean()).map(([bytes, zone, isUpper]) => {
    const text = formatIpv6(Uint8Array.from(bytes));
    return { text: (isUpper ? text.toUpperCase() : text) + zone, labels: undefined, bits: toBits(bytes) };
  }),
);
const label = fc.constantFrom('a', 'b', 'com', 'example', 'localhost', 'x-1', '_s');
const names = fc.array(label, { minLength: 1, maxLength: 4 });
const nameHosts: fc.Arbitrary<Meant> = fc
  .tuple(names, fc.boolean(), fc.boolean())
  .map(([labels, isUpper, hasDot]) => {
    const text = labels.join('.') + (hasDot ? '.' : '');
    return { text: isUpper ? text.toUpperCase() : text, labels, bits: undefined };
  });
const hosts = fc.oneof(addressHosts, nameHosts);

interface Question {
  readonly request: SocketRequest;
  readonly host: Meant;
  /** Of the address that the name was resolved to, or of the host itself. */
  readonly bits: string | undefined;
}

const ops = fc.constantFrom('tcp-connect', 'tcp-listen', 'udp-send-to', 'udp-bind');
const questions: fc.Arbitrary<Question> = fc
  .record({ op: ops, host: hosts, port: fc.constantFrom(0, 1, 80, 81, 443, 1023, 1024, 65_535), to: v6 })
  .chain(({ op, host, port, to }) =>
    fc.boolean().map((isResolved): Question => {
      const request = { op, host: host.text, port };
      if (!isResolved || host.labels === undefined) return { request, host, bits: host.bits };
      const address = { family: 'ipv6', host: formatIpv6(Uint8Array.from(to)) } as const;
      return { request: { ...request, address }, host, bits: toBits(to) };
    }),
  );

// --- rules, as what they are --------------------------------------------------------------------------

const networks: fc.Arbitrary<HostPattern> = fc
  .tuple(
    fc.oneof(
      v4.map((bytes) => [...MAPPED, ...bytes]),
      v6,
    ),
    fc.constantFrom(0, 8, 15, 16, 24, 31, 32, 64, 96, 100, 104, 112, 120, 127, 128),
  )
  .map(([bytes, length]) => {
    const bits = toBits(bytes).slice(0, length).padEnd(128, '0');
    const masked = Uint8Array.from(bytes, (_, i) => Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2));
    return { kind: 'network', network: { bytes: masked, prefix: length } };
  });
const patterns: fc.Arbitrary<HostPattern> = fc.oneof(
  fc.constant<HostPattern>({ kind: 'any' }),
  names.map((labels): HostPattern => ({ kind: 'name', name: labels.join('.'), isLiteral: false })),
  fc.tuple(names, fc.boolean()).map(([labels, hasApex]): HostPattern => ({
    kind: 'domain',
    name: labels.join('.'),
    hasApex,
    isLiteral: false,
  })),
  networks,
  networks,
);
const portSets: fc.Arbitrary<PortSet> = fc.oneof(
  fc.constant(null),
  fc
    .array(fc.tuple(fc.constantFrom(1, 80, 443, 1000, 65_535), fc.constantFrom(0, 1, 30)), {
      minLength: 1,
      maxLength: 3,
    })
    .map((ranges) => portSet(ranges.map(([first, more]) => [first, Math.min(65_535, first + more)]))),
);
const effects = fc.constantFrom('allow', 'deny');
const rules: fc.Arbitrary<Rule> = fc.record(
  { effect: effects, op: ops, host: patterns, ports: portSets },
  { noNullPrototype: true },
);

// --- the naive matcher --------------------------------------------------------------------------------

const zeros = (count: number): string => '0'.repeat(count);
const MAPPED_BITS = toBits(MAPPED);
const LOOPBACK = [MAPPED_BITS + toBits([127, 0, 0, 1]), `${zeros(127)}1`];
const UNSPECIFIED = [MAPPED_BITS + zeros(32), zeros(128)];
const CARRIERS: readonly (readonly [prefix: string, at: number])[] = [
  [zeros(96), 96],
  [toBits([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]), 96],
  [toBits([0, 0x64, 0xff, 0x9b, 0, 1, 0, 0, 0, 0, 0, 0]), 96],
  [toBits([0x20, 0x02]), 16],
];

/** Where a packet to the address may come to. */
function comesTo(bits: string): readonly string[] {
  const all = [bits];
  const isOwnKind = bits === zeros(128) || bits === LOOPBACK[1];
  const carrier = isOwnKind ? undefined : CARRIERS.find(([prefix]) => bits.startsWith(prefix));
  if (carrier !== undefined) all.push(MAPPED_BITS + bits.slice(carrier[1], carrier[1] + 32));
  if (bits === zeros(128)) all.push(...LOOPBACK, MAPPED_BITS + zeros(32));
  else if (all.includes(MAPPED_BITS + zeros(32))) all.push(LOOPBACK[0] ?? '');
  return all;
}

const isOwn = ({ request: { op } }: Question): boolean => op === 'tcp-listen' || op === 'udp-bind';
const isWildcard = (asked: Question): boolean =>
  isOwn(asked) && asked.bits !== undefined && UNSPECIFIED.includes(asked.bits);
const isLoopback = (bits: string): boolean =>
  bits.startsWith(MAPPED_BITS + toBits([127])) || bits === LOOPBACK[1];

function formsOf(asked: Question): readonly string[] | undefined {
  if (asked.bits === undefined) return undefined;
  return isWildcard(asked) ? [asked.bits] : comesTo(asked.bits);
}

const hasPort = (ports: PortSet, port: number): boolean =>
  ports === null || ports.some(([first, last]) => first <= port && port <= last);

/** Whether a pattern of names has these labels, wherever they lead. */
function hasLabels(pattern: HostPattern, labels: readonly string[] | undefined): boolean {
  if (labels === undefined || (pattern.kind !== 'name' && pattern.kind !== 'domain')) return false;
  const { length } = pattern.name.split('.');
  if (labels.slice(-length).join('.') !== pattern.name) return false;
  if (labels.length === length) return pattern.kind === 'name' || pattern.hasApex;
  return pattern.kind === 'domain';
}

/** Whether the pattern has the host, whichever port. */
function hasHost({ effect, host: pattern }: Rule, asked: Question): boolean {
  const forms = formsOf(asked);
  if (pattern.kind === 'any') return true;
  if (pattern.kind === 'network') {
    const { bytes, prefix } = pattern.network;
    return forms?.some((form) => form.startsWith(toBits(bytes).slice(0, prefix))) ?? false;
  }
  if (!hasLabels(pattern, asked.host.labels)) return false;
  const isLocal = asked.host.labels?.at(-1) === 'localhost';
  return effect === 'deny' || !isLocal || (forms?.some(isLoopback) ?? true);
}

function naiveMatch(rule: Rule, asked: Question): boolean {
  return rule.op === asked.request.op && hasPort(rule.ports, asked.request.port) && hasHost(rule, asked);
}

function naiveForbids(rule: Rule, asked: Question): boolean {
  const { op, port } = asked.request;
  if (rule.op !== op) return false;
  const anyFree = rule.ports === null || rule.ports.some(([, last]) => last >= 1024);
  const hasOne = isOwn(asked) && port === 0 ? anyFree : hasPort(rule.ports, port);
  return hasOne && (isWildcard(asked) || hasHost(rule, asked));
}

function naive(list: readonly Rule[], asked: Question): 'allowed' | 'denied' | 'depends' {
  if (list.some((rule) => rule.effect === 'deny' && naiveForbids(rule, asked))) return 'denied';
  const allows = list.filter(({ effect }) => effect === 'allow');
  if (allows.some((rule) => naiveMatch(rule, asked))) return 'allowed';
  const { op, port } = asked.request;
  const mayDepend = allows.some(
    (rule) => rule.op === op && rule.host.kind === 'network' && hasPort(rule.ports, port),
  );
  return asked.bits === undefined && mayDepend ? 'depends' : 'denied';
}

// --- what holds ---------------------------------------------------------------------------------------

const RUNS = { numRuns: 3000 };
const few = fc.array(rules, { maxLength: 6 });

test('matchesRule agrees with the naive matcher (F67, F68, F69)', () => {
  fc.assert(
    fc.property(rules, questions, (rule, asked) => {
      assert.equal(matchesRule(rule, asked.request), naiveMatch(rule, asked));
    }),
    RUNS,
  );
});

test('rulesPolicy agrees with the naive matcher (F66, F67, F68, F69)', () => {
  fc.assert(
    fc.property(few, questions, (list, asked) => {
      assert.equal(outcomeOf(rulesPolicy(list)(asked.request)), naive(list, asked));
    }),
    RUNS,
  );
});

test('rulesPolicy: another deny never allows, and another allow never denies', () => {
  fc.assert(
    fc.property(few, rules, questions, fc.nat(6), (list, rule, { request }, at) => {
      const before = rulesPolicy(list)(request).allowed;
      const after = rulesPolicy(list.toSpliced(at, 0, rule))(request).allowed;
      assert.ok(rule.effect === 'deny' ? before || !after : after || !before);
    }),
    RUNS,
  );
});

test('rulesPolicy does not heed the order of rules', () => {
  fc.assert(
    fc.property(few, questions, (list, { request }) => {
      assert.equal(outcomeOf(rulesPolicy(list.toReversed())(request)), outcomeOf(rulesPolicy(list)(request)));
    }),
    RUNS,
  );
});

test('rulesPolicy judges all spellings of an IPv4 address alike (F67, F68)', () => {
  fc.assert(
    fc.property(few, v4, ops, fc.constantFrom(0, 80, 443), (list, bytes, op, port) => {
      const policy = rulesPolicy(list);
      const [plain = '', ...others] = spellingsOf(bytes);
      const expected = outcomeOf(policy({ op, host: plain, port }));
      for (const host of others) assert.equal(outcomeOf(policy({ op, host, port })), expected, host);
    }),
    RUNS,
  );
});

test('rulesPolicy that knows no IPv6 judges what carries an IPv4 address as that address (F68, F69)', () => {
  const plain = rules.filter(
    ({ host, op }) =>
      (host.kind !== 'network' || host.network.prefix >= 104) &&
      (op === 'tcp-connect' || op === 'udp-send-to'),
  );
  fc.assert(
    fc.property(fc.array(plain, { maxLength: 6 }), v4, fc.constantFrom(80, 443), (list, bytes, port) => {
      // Of ::/96 the first two are no IPv4 addresses, and 0.0.0.0 is this machine also by ::1.
      fc.pre(bytes[0] !== 0);
      const isV4Only = list.every(
        ({ host }) => host.kind !== 'network' || toBits(host.network.bytes).startsWith(MAPPED_BITS),
      );
      fc.pre(isV4Only);
      const policy = rulesPolicy(list);
      const expected = outcomeOf(policy({ op: 'tcp-connect', host: bytes.join('.'), port }));
      const [a, b, c, d] = bytes;
      for (const carrier of [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d],
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d],
        [0, 0x64, 0xff, 0x9b, 0, 1, 0, 0, 0, 0, 0, 0, a, b, c, d],
        [0x20, 0x02, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      ]) {
        const host = formatIpv6(Uint8Array.from(carrier));
        assert.equal(outcomeOf(policy({ op: 'tcp-connect', host, port })), expected, host);
      }
    }),
    RUNS,
  );
});

test('covers: whatever the inner rule is about, the outer is about too', () => {
  fc.assert(
    fc.property(rules, rules, questions, (a, b, { request }) => {
      const [outer, inner] = [a, { ...b, op: a.op, effect: a.effect }];
      if (covers(outer, inner) && matchesRule(inner, request)) assert.ok(matchesRule(outer, request));
      assert.ok(covers(outer, outer));
    }),
    { numRuns: 20_000 },
  );
});

test('meets: never false of two rules that are about the same request', () => {
  fc.assert(
    fc.property(rules, rules, questions, (a, b, { request }) => {
      if (matchesRule(a, request) && matchesRule(b, request)) assert.ok(meets(a, b) && meets(b, a));
      if (covers(a, b)) assert.ok(meets(a, b));
    }),
    { numRuns: 20_000 },
  );
});

test('implies is monotone, and says no more than the policy', () => {
  fc.assert(
    fc.property(few, rules, rules, questions, (list, more, other, { request }) => {
      const wanted: Rule = { ...other, effect: 'allow' };
      const before = implies(list, wanted);
      const after = implies([...list, more], wanted);
      assert.ok(more.effect === 'deny' ? before || !after : after || !before);
      // Of one's own addresses and ports those that stand for many are denied if any of them is.
      const isMany = request.op === 'tcp-listen' || request.op === 'udp-bind';
      if (before && !isMany && request.address === undefined && matchesRule(wanted, request))
        assert.ok(rulesPolicy(list)(request).allowed);
    }),
    RUNS,
  );
});

test('ruleOf is about what was asked, and is covered by what allows it', () => {
  fc.assert(
    fc.property(questions, ({ request }) => {
      const rule = ruleOf(request);
      if (rule === undefined) return;
      assert.ok(matchesRule(rule, request));
      const [again] = parseRule(formatRule(rule));
      assert.ok(again !== undefined && covers(again, rule) && covers(rule, again));
    }),
    RUNS,
  );
});

test('parseRule reads what formatRule writes', () => {
  fc.assert(
    fc.property(rules, (rule) => {
      assert.deepEqual(parseRule(formatRule(rule)), [rule]);
    }),
    RUNS,
  );
});

test('parseWebExtensionPermission reads what formatWebExtensionPermission writes', () => {
  fc.assert(
    fc.property(rules, (rule) => {
      const text = formatWebExtensionPermission(rule);
      if (text !== undefined) assert.deepEqual(parseWebExtensionPermission(text), rule);
    }),
    RUNS,
  );
});

// Chrome's dialects compare text, so that any text may be asked and written.
const chromeLabel = fc.constantFrom('a', 'b', 'com', 'WWW', 'example', '1', '127', '0', '*', '', ' x');
const chromeHosts = fc.array(chromeLabel, { maxLength: 4 }).map((labels) => labels.join('.'));
const chromePorts = fc.constantFrom('', '*', '1', '80', '0080', '65535');

test('parseSocketRule reads what formatSocketRule writes, and parseHostPort what formatHostPort writes', () => {
  fc.assert(
    fc.property(ops, chromeHosts, chromePorts, (op, host, port) => {
      const parsed = parseHostPort([host, port]);
      fc.pre(parsed !== null);
      const text = formatHostPort(parsed);
      assert.ok(text !== undefined);
      assert.deepEqual(parseHostPort(text.split(':')), parsed);
      const rule = parseSocketRule(`${op}:${host}:${port}`);
      assert.deepEqual(parseSocketRule(formatSocketRule(rule) ?? ''), rule);
    }),
    RUNS,
  );
});

/** Chrome's rules again, written from the documentation in another way: over the rule's canonical text, label by label. */
function chromeMatch(text: string, request: SocketRequest): boolean {
  const [op, host = '', port] = text.split(':');
  if (op !== request.op || (port !== '*' && port !== String(request.port))) return false;
  if (host === '*') return true;
  const asked = request.host.toLowerCase().split('.');
  if (!host.startsWith('*.')) return asked.join('.') === host;
  const base = host.slice(2).split('.');
  if (asked.join('.') === base.join('.')) return true;
  const isNumber = asked.every(
    (each, i) => /^\d+$/.test(each) || (each === '' && i > 0 && i === asked.length - 1),
  );
  if (asked.length <= 5 && isNumber) return false;
  const front = asked.slice(0, -base.length);
  return front.join('.').length > 0 && asked.slice(front.length).join('.') === base.join('.');
}

test("matchesRule agrees with a naive reading of Chrome's rules", () => {
  const requests = fc.record({ op: ops, host: chromeHosts, port: fc.constantFrom(0, 1, 80, 443, 65_535) });
  fc.assert(
    fc.property(ops, chromeHosts, chromePorts, requests, (op, host, port, request) => {
      fc.pre(parseHostPort([host, port]) !== null);
      const rule = parseSocketRule(`${op}:${host}:${port}`);
      assert.equal(matchesRule(rule, request), chromeMatch(formatSocketRule(rule) ?? '', request));
    }),
    RUNS,
  );
});
