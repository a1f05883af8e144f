/** The native module with arguments of every kind (F41, F42, F43, F45, F46, F47, F49, F50). */
/* eslint-disable @typescript-eslint/unbound-method -- that they are bound is what is tested */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';

import type { BadValue } from '../testing/node/bad-values.ts';
import { NOTHING_USEFUL, NO_BYTES, NO_INTEGER } from '../testing/node/bad-values.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeReactor } from './types.ts';
import { CALL, FAMILY } from './types.ts';

type Call = (...args: unknown[]) => unknown;
type Name = Exclude<keyof NativeReactor, 'events' | 'slab' | 'scratch'>;

const native = loadNative();
const { AF_INET, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE } = native.constants;
const { EBADF, EINVAL, ENAMETOOLONG, ENODEV, EAFNOSUPPORT } = native.errorNumbers;
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

function makeReactor(withFaults = false): NativeReactor {
  const made = native.createReactor(() => undefined, false, withFaults, 0, false);
  if (typeof made === 'number') throw new Error(`createReactor answered ${String(made)}`);
  return made;
}

function call(reactor: NativeReactor, name: Name, args: readonly unknown[]): unknown {
  return (reactor[name] as Call)(...args);
}

/** Runs `use` with a reactor, which must not leave a descriptor behind. */
function withReactor(use: (reactor: NativeReactor) => void, withFaults = false): void {
  const before = countDescriptors();
  const reactor = makeReactor(withFaults);
  try {
    use(reactor);
  } finally {
    reactor.dispose();
  }
  assert.equal(countDescriptors(), before);
}

/** What a parameter may be; each kind has bad values. */
type Kind =
  | 'int'
  | 'signed'
  | 'id'
  | 'size'
  | 'messageSize'
  | 'port'
  | 'family'
  | 'scope'
  | 'bool'
  | 'bytes'
  | 'call'
  | 'errno'
  | 'how'
  | 'meta';

/** A row for each function: its parameters, and arguments that are good but for the handle, which is nobody's. */
const CALLS: Readonly<Partial<Record<Name, readonly (readonly [Kind, unknown])[]>>> = {
  socket: [
    ['int', AF_INET],
    ['int', SOCK_STREAM],
    ['int', 0],
  ],
  bind: [
    ['id', 1],
    ['family', FAMILY.ipv4],
    ['bytes', LOOPBACK],
    ['port', 0],
    ['scope', 0],
  ],
  connect: [
    ['id', 1],
    ['family', FAMILY.ipv4],
    ['bytes', LOOPBACK],
    ['port', 9],
    ['scope', 0],
  ],
  listen: [
    ['id', 1],
    ['int', 1],
  ],
  startReading: [
    ['id', 1],
    ['size', 262_144],
    ['bool', true],
  ],
  startAccepting: [['id', 1]],
  handOver: [['id', 1]],
  stop: [['id', 1]],
  write: [
    ['id', 1],
    ['bytes', LOOPBACK],
  ],
  pending: [['id', 1]],
  shutWrite: [['id', 1]],
  close: [['id', 1]],
  abort: [['id', 1]],
  setOption: [
    ['id', 1],
    ['int', SOL_SOCKET],
    ['int', SO_KEEPALIVE],
    ['signed', 1],
  ],
  getOption: [
    ['id', 1],
    ['int', SOL_SOCKET],
    ['int', SO_KEEPALIVE],
  ],
  localAddress: [['id', 1]],
  remoteAddress: [['id', 1]],
  reference: [
    ['id', 1],
    ['bool', true],
  ],
  openMessages: [
    ['id', 1],
    ['bool', false],
  ],
  startReceiving: [
    ['id', 1],
    ['messageSize', 65536],
    ['bool', true],
    ['meta', 15],
  ],
  send: [
    ['id', 1],
    ['bytes', LOOPBACK],
    ['how', 4],
    ['scope', 0x7f000001],
    ['port', 9],
  ],
  retrySending: [['id', 1]],
  membership: [
    ['id', 1],
    ['bool', true],
    ['int', 0],
  ],
  drops: [['id', 1]],
  descriptor: [['id', 1]],
  limit: [
    ['int', 0],
    ['int', 0],
  ],
  fault: [
    ['call', CALL.close],
    ['errno', 5],
    ['int', 0],
    ['int', 0],
  ],
};

const NEGATIVE = ['-1', -1] as const;
const TWO_31 = ['2^31', 2 ** 31] as const;

const NO_SIZE = [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['0', 0], ['-0', -0]] as const;

/** The bad values of each kind. */
const BAD: Readonly<Record<Kind, readonly BadValue[]>> = {
  int: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, TWO_31],
  signed: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, TWO_31, ['-2^31 - 1', -(2 ** 31) - 1]],
  id: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['2^52', 2 ** 52]],
  size: [...NO_SIZE, ['262145', 262_145]],
  messageSize: [...NO_SIZE, ['65537', 65537]],
  port: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['65536', 65536]],
  family: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['7', 7]],
  scope: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['2^32', 2 ** 32]],
  call: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['13', 13]],
  how: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['5', 5]],
  meta: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['16', 16]],
  errno: [...NOTHING_USEFUL, ['true', true], ...NO_INTEGER, NEGATIVE, ['0', 0], ['4096', 4096]],
  bool: [...NOTHING_USEFUL, ['0', 0], ['1', 1], ['a Boolean object', Object(true)]],
  bytes: NO_BYTES,
};

const ROWS = Object.entries(CALLS) as [Name, readonly (readonly [Kind, unknown])[]][];

for (const [name, parameters] of ROWS) {
  test(`${name} refuses every bad argument with a TypeError or RangeError`, () => {
    withReactor((reactor) => {
      for (const [at, [kind]] of parameters.entries()) {
        for (const [what, value] of BAD[kind]) {
          const args = parameters.map(([, good], i) => (i === at ? value : good));
          const check = (error: unknown): boolean => {
            assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
            assert.equal(
              (error as { code?: unknown }).code,
              error instanceof TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE',
            );
            assert.match(error.message, new RegExp(`^${name}: `));
            return true;
          };
          assert.throws(() => call(reactor, name, args), check, `${what} as ${kind} ${String(at)}`);
        }
        assert.throws(
          () =>
            call(
              reactor,
              name,
              parameters.slice(0, at).map(([, good]) => good),
            ),
          TypeError,
          `${String(at)} arguments`,
        );
      }
      assert.equal(reactor.live(), 0);
    }, true);
  });

  test(`${name} takes no more than its parameters`, () => {
    withReactor((reactor) => {
      const good = parameters.map(([, value]) => value);
      const answer = call(reactor, name, [...good, Symbol('more'), {}]);
      if (parameters[0]?.[0] === 'id') assert.equal(answer, -EBADF);
    }, true);
  });
}

test('every function of a reactor is in the table of arguments, or has none', () => {
  withReactor((reactor) => {
    const functions = Object.entries(reactor).filter(([, value]) => typeof value === 'function');
    // Anything would do to the last two: they take descriptors of this process, and give them away.
    const without = ['flush', 'live', 'slab', 'dispose', 'adopt', 'detach'];
    assert.deepEqual(functions.map(([name]) => name).sort(), [...Object.keys(CALLS), ...without].sort());
  });
});

/** Bad arguments to each function that ends in a system call, and what that call is. */
const BEFORE_THE_CALL = [
  ['socket', [AF_INET, SOCK_STREAM, -1], 'socket'],
  ['bind', ['handle', FAMILY.ipv4, LOOPBACK, 65536, 0], 'bind'],
  ['bind', ['handle', FAMILY.ipv4, new Uint8Array(5), 0, 0], 'bind'],
  ['connect', ['handle', FAMILY.ipv4, LOOPBACK, 1.5, 0], 'connect'],
  ['connect', ['handle', FAMILY.unix, new Uint8Array(500), 0, 0], 'connect'],
  ['listen', ['handle', -1], 'listen'],
  ['setOption', ['handle', SOL_SOCKET, SO_KEEPALIVE, '1'], 'setsockopt'],
  ['getOption', ['handle', SOL_SOCKET, null], 'getsockopt'],
  ['close', [{}], 'close'],
] as const;

for (const [name, args, syscall] of BEFORE_THE_CALL) {
  test(`${name} makes no system call for ${JSON.stringify(args.slice(1))}`, () => {
    withReactor((reactor) => {
      const handle = reactor.socket(AF_INET, SOCK_STREAM, 0);
      const given = args.map((arg) => (arg === 'handle' ? handle : arg));
      // The one fault that waits for the call must still be waiting afterwards.
      reactor.fault(CALL[syscall], EINVAL + 1, 0, 1);
      try {
        const answer = call(reactor, name, given);
        assert.ok(typeof answer === 'number' && answer < 0 && answer !== -(EINVAL + 1), String(answer));
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof RangeError);
      }
      const probe: Record<typeof syscall, () => number> = {
        socket: () => reactor.socket(AF_INET, SOCK_STREAM, 0),
        bind: () => reactor.bind(handle, FAMILY.ipv4, LOOPBACK, 0, 0),
        connect: () => reactor.connect(handle, FAMILY.ipv4, LOOPBACK, 9, 0),
        listen: () => reactor.listen(handle, 1),
        setsockopt: () => reactor.setOption(handle, SOL_SOCKET, SO_KEEPALIVE, 1),
        getsockopt: () => reactor.getOption(handle, SOL_SOCKET, SO_KEEPALIVE),
        close: () => -(EINVAL + 1),
      };
      assert.equal(probe[syscall](), -(EINVAL + 1));
    }, true);
  });
}

/** Addresses that the native side must judge itself: what, family, bytes, answer. */
const BAD_ADDRESSES = [
  ['no family', 0, LOOPBACK, EAFNOSUPPORT],
  ['a family between the known', 2, LOOPBACK, EAFNOSUPPORT],
  ['IPv4 of no bytes', FAMILY.ipv4, new Uint8Array(0), EINVAL],
  ['IPv4 of 3 bytes', FAMILY.ipv4, new Uint8Array(3), EINVAL],
  ['IPv4 of 16 bytes', FAMILY.ipv4, new Uint8Array(16), EINVAL],
  ['IPv6 of 4 bytes', FAMILY.ipv6, LOOPBACK, EINVAL],
  ['IPv6 of 17 bytes', FAMILY.ipv6, new Uint8Array(17), EINVAL],
  ['a path with a NUL', FAMILY.unix, Buffer.from('/tmp/a\0b'), EINVAL],
  ['a path with a NUL at its end', FAMILY.unix, Buffer.from('/tmp/a\0'), EINVAL],
  ['a path that is too long', FAMILY.unix, Buffer.alloc(native.maxUnixPath + 1, 97), ENAMETOOLONG],
  ['a path of 255 bytes', FAMILY.unix, Buffer.alloc(255, 97), ENAMETOOLONG],
  ['a path of 256 bytes', FAMILY.unix, Buffer.alloc(256, 97), ENAMETOOLONG],
  ['a path of 65,792 bytes', FAMILY.unix, Buffer.alloc(65792, 97), ENAMETOOLONG],
  ['an abstract name that is too long', FAMILY.unix, Buffer.alloc(native.maxUnixPath + 2), ENAMETOOLONG],
] as const;

for (const [what, family, bytes, errno] of BAD_ADDRESSES) {
  test(`bind and connect refuse ${what} (F38, F39, F49)`, () => {
    withReactor((reactor) => {
      const handle = reactor.socket(AF_INET, SOCK_STREAM, 0);
      assert.equal(reactor.bind(handle, family, bytes, 0, 0), -errno);
      assert.equal(reactor.connect(handle, family, bytes, 9, 0), -errno);
    });
  });
}

/** Not one that `createReactor` may take: what, arguments. */
const BAD_REACTORS: readonly (readonly [string, readonly unknown[]])[] = [
  ['nothing', []],
  ['no function', [{}, false, false, 0, false]],
  ['null', [null, false, false, 0, false]],
  ['a string', ['f', false, false, 0, false]],
  ['no usePoll', [() => undefined]],
  ['a number for usePoll', [() => undefined, 0, false, 0, false]],
  ['no withFaults', [() => undefined, false]],
  ['a string for withFaults', [() => undefined, true, 'yes', 0, false]],
  ['objects for both', [() => undefined, {}, {}, 0, false]],
  ['no busyPoll', [() => undefined, false, false]],
  ['a string for busyPoll', [() => undefined, false, false, '50', false]],
  ['a busyPoll below 0', [() => undefined, false, false, -1, false]],
  ['a busyPoll that is too long', [() => undefined, false, false, 1001, false]],
  ['half a microsecond of busyPoll', [() => undefined, false, false, 0.5, false]],
  ['no keepsMemory', [() => undefined, false, false, 0]],
  ['a number for keepsMemory', [() => undefined, false, false, 0, 1]],
];

for (const [what, args] of BAD_REACTORS) {
  test(`createReactor refuses ${what}, and leaves no descriptor (F07)`, () => {
    const before = countDescriptors();
    const create = native.createReactor as Call;
    for (let i = 0; i < 100; i++)
      assert.throws(() => create(...args), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ });
    assert.equal(countDescriptors(), before);
  });
}

test('interfaceIndex knows lo, and answers ENODEV for every other name', () => {
  assert.ok(native.interfaceIndex('lo') > 0);
  for (const name of ['', 'no-such-device', 'lo'.repeat(1000), 'l\u{1f600}', 'lo ', '\ud800'])
    assert.equal(native.interfaceIndex(name), -ENODEV, JSON.stringify(name));
  for (const [what, value] of [...NOTHING_USEFUL, ['a number', 1] as const]) {
    if (typeof value === 'string') continue;
    assert.throws(() => (native.interfaceIndex as Call)(value), TypeError, what);
  }
});

test('interfaceIndex reads no name past a NUL (F38)', () => {
  for (const name of ['lo\0x', '\0lo', 'lo\0']) assert.throws(() => native.interfaceIndex(name), RangeError);
});

test('the tables of the module cannot be changed', () => {
  for (const table of [native.constants, native.errorNumbers]) {
    assert.ok(Object.isFrozen(table));
    assert.ok(Object.keys(table).length > 10);
  }
});

/** Values of every kind, good ones among them, so that the calls get past their first argument. */
function anything(handles: readonly number[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<unknown>(...handles) },
    { weight: 4, arbitrary: fc.constantFrom<unknown>(0, 1, 2, 4, 6, 10, 128, 65535, 65536, -0, -1) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(true, false) },
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(...NO_BYTES.map(([, value]) => value)) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(...NO_INTEGER.map(([, value]) => value)) },
    { weight: 1, arbitrary: fc.double() },
    { weight: 1, arbitrary: fc.anything({ withBigInt: true, withTypedArray: true, withDate: true }) },
  );
}

test('every function survives 20,000 calls with anything (F36, F41-F50)', () => {
  withReactor((reactor) => {
    const open = (family: number, type: number): number => reactor.socket(family, type, 0);
    const { AF_UNIX, AF_INET6 } = native.constants;
    const handles = [
      open(AF_INET, SOCK_STREAM),
      open(AF_UNIX, SOCK_STREAM),
      open(AF_INET6, SOCK_STREAM),
      open(AF_INET, SOCK_STREAM),
    ];
    reactor.bind(handles[3] ?? 0, FAMILY.ipv4, LOOPBACK, 0, 0);
    reactor.listen(handles[3] ?? 0, 5);
    // Which families, types and option numbers the kernel has behind root's doors is not the question here.
    const names = ROWS.map(([name]) => name).filter((name) => name !== 'socket' && name !== 'setOption');
    const calls = fc.tuple(
      fc.constantFrom<Name>(...names, 'flush', 'live'),
      fc.array(anything([...handles, 1, 2 ** 20, 2 ** 51]), { maxLength: 6 }),
    );
    const run = fc.property(calls, ([name, args]) => {
      try {
        const answer = call(reactor, name, args);
        assert.ok(answer === undefined || Number.isSafeInteger(answer), String(answer));
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
        assert.match((error as { code?: string }).code ?? '', /^ERR_/);
      }
    });
    fc.assert(run, { numRuns: 20_000 });
  }, true);
});

test('socket and setOption survive 5,000 calls with anything that is no call', () => {
  withReactor((reactor) => {
    const bad = fc.constantFrom<unknown>(
      ...[...NOTHING_USEFUL, ...NO_INTEGER, TWO_31].map(([, value]) => value),
    );
    const good = fc.constantFrom<unknown>(0, 1, 2);
    const run = fc.property(
      fc.constantFrom<Name>('socket', 'setOption'),
      fc.array(fc.oneof(bad, good), { maxLength: 5 }),
      bad,
      (name, args, last) => {
        const parameters = CALLS[name]?.length ?? 0;
        const given = [...args.slice(0, parameters - 1), last];
        assert.throws(() => call(reactor, name, given), { code: /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE)$/ });
      },
    );
    fc.assert(run, { numRuns: 5000 });
    assert.equal(reactor.live(), 0);
  });
});

test('valueHoldsAddress names options whose value the system would follow into memory', () => {
  const { constants: c, valueHoldsAddress } = native;
  const holding: readonly (readonly [number, number])[] = [
    [c.SOL_SOCKET, c.SO_ATTACH_FILTER],
    [c.SOL_SOCKET, c.SO_ATTACH_REUSEPORT_CBPF],
    [c.SOL_PACKET, c.PACKET_FANOUT_DATA],
    [c.IPPROTO_IP, c.IPT_SO_SET_REPLACE],
    [c.IPPROTO_IP, c.ARPT_SO_SET_REPLACE],
    [c.IPPROTO_IP, c.EBT_SO_SET_ENTRIES],
    [c.IPPROTO_IPV6, c.IP6T_SO_SET_REPLACE],
    [c.IPPROTO_TCP, c.TCP_ZEROCOPY_RECEIVE],
    [c.IPPROTO_SCTP, c.SCTP_SOCKOPT_CONNECTX3],
    [c.SOL_RDS, c.RDS_GET_MR],
    [c.SOL_RDS, c.RDS_GET_MR_FOR_DEST],
    [c.SOL_XDP, c.XDP_UMEM_REG],
    [c.SOL_MPTCP, c.MPTCP_FULL_INFO],
  ];
  assert.deepEqual(
    holding.filter(([level, name]) => !valueHoldsAddress(level, name)),
    [],
  );
  const harmless: readonly (readonly [number, number])[] = [
    [c.SOL_SOCKET, c.SO_LINGER],
    [c.IPPROTO_IP, c.SO_ORIGINAL_DST],
    [c.IPPROTO_IPV6, c.IP6T_SO_ORIGINAL_DST],
    [c.SOL_MPTCP, c.MPTCP_INFO],
    [-1, -1],
  ];
  assert.deepEqual(
    harmless.filter(([level, name]) => valueHoldsAddress(level, name)),
    [],
  );
  assert.throws(() => valueHoldsAddress('1' as unknown as number, 1), TypeError);
  assert.throws(() => valueHoldsAddress(2 ** 31, 1), RangeError);
});
