/** Services and protocols. That they are those of the system is in `names-python.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { protocolByName, protocolByNumber, serviceByName, serviceByPort } from './services.ts';

type Call = (...args: unknown[]) => unknown;

const HTTP = { name: 'http', aliases: ['www'], port: 80, protocol: 'tcp' };
const TCP = { name: 'tcp', aliases: ['TCP'], number: 6 };

test('serviceByName and serviceByPort find a service, by protocol or of any', () => {
  for (const each of [
    serviceByName('http'),
    serviceByName('www', 'tcp'),
    serviceByPort(80),
    serviceByPort(80, 'tcp'),
  ])
    assert.deepEqual(each, HTTP);
  assert.equal(serviceByPort(514, 'udp')?.name, 'syslog');
  assert.equal(serviceByPort(514, 'tcp')?.name, 'shell');
});

test('protocolByName and protocolByNumber find a protocol', () => {
  for (const each of [protocolByName('tcp'), protocolByName('TCP'), protocolByNumber(6)])
    assert.deepEqual(each, TCP);
  assert.equal(protocolByNumber(0)?.name, 'ip');
});

test('what there is not is null', () => {
  for (const each of [
    serviceByName('no-such-service'),
    serviceByName('http', 'no-such-protocol'),
    serviceByName('\u{1f600}'),
    serviceByName('x'.repeat(255)),
    serviceByPort(0),
    serviceByPort(80, 'udplite'),
    protocolByName('no-such-protocol'),
    protocolByNumber(253),
    protocolByNumber(2 ** 31 - 1),
  ])
    assert.equal(each, null);
});

/** Function, index of the parameter, what messages call it, and arguments that are good. */
const NAMES: readonly (readonly [string, Call, number, string, readonly unknown[]])[] = [
  ['serviceByName', serviceByName as Call, 0, 'name', ['http', 'tcp']],
  ['serviceByName', serviceByName as Call, 1, 'protocol', ['http', 'tcp']],
  ['serviceByPort', serviceByPort as Call, 1, 'protocol', [80, 'tcp']],
  ['protocolByName', protocolByName as Call, 0, 'name', ['tcp']],
];
for (const [what, call, index, name, good] of NAMES) {
  test(`${what} refuses a ${name} that is none (F38, F50)`, () => {
    for (const value of ['', '\0', 'tcp\0', 't\0cp', '\ud800', 'x'.repeat(256)])
      assert.throws(() => call(...good.with(index, value)), {
        name: 'RangeError',
        message: new RegExp(`^${name}: `),
      });
    for (const [, value] of NOTHING_USEFUL) {
      if (typeof value === 'string' || (value === undefined && name === 'protocol')) continue;
      assert.throws(() => call(...good.with(index, value)), {
        name: 'TypeError',
        message: new RegExp(`^${name}: `),
      });
    }
  });
}

test('serviceByPort and protocolByNumber refuse numbers out of range (F41)', () => {
  const tooMuch: readonly (readonly [Call, string, number])[] = [
    [serviceByPort as Call, 'port', 65536],
    [protocolByNumber as Call, 'number', 2 ** 31],
  ];
  for (const [call, name, limit] of tooMuch) {
    for (const [, value] of [...NO_INTEGER, ['-1', -1], ['the limit', limit]] as const)
      assert.throws(() => call(value), { name: 'RangeError', message: new RegExp(`^${name}: `) });
    for (const [, value] of NOTHING_USEFUL) assert.throws(() => call(value), { name: 'TypeError' });
  }
});

test('services and protocols are found or not, or refused, whatever is asked', () => {
  const leaks = leakCheck();
  const any = fc.oneof(fc.anything(), fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(70000));
  const calls = [serviceByName, serviceByPort, protocolByName, protocolByNumber] as Call[];
  fc.assert(
    fc.property(fc.constantFrom(...calls), any, fc.option(any, { nil: undefined }), (call, first, second) => {
      try {
        assert.equal(typeof call(first, second), 'object');
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof RangeError);
      }
    }),
    { numRuns: 500 },
  );
  leaks.check();
});
