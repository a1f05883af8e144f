import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CodecContext } from './codec.ts';
import {
  be16,
  be32,
  bytes,
  i32,
  i64,
  i8,
  interfaceIndex,
  ipv4,
  ipv6,
  reserved,
  text,
  u16,
  u32,
  u64,
  u8,
} from './fields.ts';
import { arrayOf, growingStruct, mayBeMissing, nested, single, struct } from './struct.ts';

const CONTEXT: CodecContext = {
  interfaceIndex: (name) => {
    if (name !== 'eth0') throw new Error(`no interface ${name}`);
    return 7;
  },
};

const EVERY = struct({
  a: u8,
  b: u64,
  c: i8,
  d: u16,
  e: i32,
  f: be16,
  g: be32,
  h: u32,
  i: i64,
});

const every = fc.record(
  {
    a: fc.nat(0xff),
    b: fc.bigInt(0n, 2n ** 64n - 1n),
    c: fc.integer({ min: -0x80, max: 0x7f }),
    d: fc.nat(0xffff),
    e: fc.integer(),
    f: fc.nat(0xffff),
    g: fc.nat(2 ** 32 - 1),
    h: fc.nat(2 ** 32 - 1),
    i: fc.maxSafeInteger(),
  },
  { noNullPrototype: true },
);

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

test('struct lays fields out as the compiler of C does', () => {
  const value = { a: 1, b: 2n, c: -3, d: 4, e: -5, f: 0x0607, g: 0x08090a0b, h: 12, i: -13 };
  // `@` is the compiler's own layout; what is in network order is given as bytes.
  const script = `import struct; print(struct.pack(
    '@BQbHi2s2x4sIq', 1, 2, -3, 4, -5, bytes([6, 7]), bytes([8, 9, 10, 11]), 12, -13).hex())`;
  const expected = execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim();
  assert.equal(hex(EVERY.encode(value, 'v', CONTEXT)), expected);
  assert.deepEqual(EVERY.decode(Buffer.from(expected, 'hex')), value);
  assert.equal(EVERY.size, expected.length / 2);
});

test('struct reads what it wrote', () => {
  fc.assert(
    fc.property(every, (value) => {
      assert.deepEqual(EVERY.decode(EVERY.encode(value, 'v', CONTEXT)), value);
    }),
  );
});

test('struct names the field that is wrong (F41)', () => {
  const whole = { a: 0, b: 0n, c: 0, d: 0, e: 0, f: 0, g: 0, h: 0, i: 0 };
  const wrong: readonly (readonly [keyof typeof whole, unknown, typeof TypeError | typeof RangeError])[] = [
    ['a', 256, RangeError],
    ['a', '1', TypeError],
    ['a', undefined, TypeError],
    ['b', 1, TypeError],
    ['b', -1n, RangeError],
    ['b', 2n ** 64n, RangeError],
    ['c', -129, RangeError],
    ['d', 0x10000, RangeError],
    ['e', 2 ** 31, RangeError],
    ['e', 1.5, RangeError],
    ['f', -1, RangeError],
    ['g', 2 ** 32, RangeError],
    ['h', NaN, RangeError],
    ['h', null, TypeError],
    ['i', 2 ** 53, RangeError],
  ];
  for (const [key, value, type] of wrong) {
    const given = { ...whole, [key]: value };
    assert.throws(
      () => EVERY.encode(given, 'SO_X', CONTEXT),
      (error) => {
        assert.ok(error instanceof type, `${key} ${String(value)}: ${String(error)}`);
        assert.ok(error.message.startsWith(`SO_X.${key}: `), error.message);
        return true;
      },
    );
  }
  for (const value of [null, 1, 'a', undefined])
    assert.throws(() => EVERY.encode(value as unknown as typeof whole, 'SO_X', CONTEXT), TypeError);
});

test('struct refuses a property that it does not have, and says which was meant', () => {
  const codec = struct({ onoff: i32, linger: mayBeMissing(i32), _gap: reserved(4) });
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ onoff: 1, lingre: 5 }, /^TypeError: SO_X\.lingre: no such property; did you mean linger\?$/],
    [{ onoff: 1, seconds: 5 }, /^TypeError: SO_X\.seconds: no such property; there are onoff, linger$/],
    [{ onoff: 1, _gap: 0 }, /^TypeError: SO_X\._gap: no such property/],
  ];
  for (const [value, message] of refused)
    assert.throws(() => codec.encode(value as { onoff: number }, 'SO_X', CONTEXT), message);
});

test('struct reads each property once (F48)', () => {
  let reads = 0;
  const value = {
    get only(): number {
      reads++;
      return reads === 1 ? 5 : 9999;
    },
  };
  assert.deepEqual([...struct({ only: u8 }).encode(value, 'v', CONTEXT)], [5]);
});

test('struct refuses fewer bytes than it has, and ignores more', () => {
  const codec = struct({ a: u16, b: u32 });
  assert.throws(() => codec.decode(new Uint8Array(7)), /^RangeError: expected 8 bytes or more, got 7$/);
  assert.deepEqual(codec.decode(Uint8Array.of(1, 0, 9, 9, 2, 0, 0, 0, 5, 5)), { a: 1, b: 2 });
  const part = new Uint8Array(20).fill(9).subarray(3, 11);
  assert.deepEqual(codec.decode(part), { a: 0x909, b: 0x9090909 });
});

test('growingStruct has the properties that were written in full', () => {
  const codec = growingStruct({ a: u8, b: u16 }, { c: u32, d: u64 });
  assert.equal(codec.size, 16);
  const all = Uint8Array.from({ length: 16 }, (_, i) => i);
  assert.throws(() => codec.decode(all.subarray(0, 3)), RangeError);
  assert.deepEqual(codec.decode(all.subarray(0, 4)), { a: 0, b: 0x302 });
  assert.deepEqual(codec.decode(all.subarray(0, 7)), { a: 0, b: 0x302 });
  assert.deepEqual(codec.decode(all.subarray(0, 15)), { a: 0, b: 0x302, c: 0x7060504 });
  assert.deepEqual(codec.decode(all), { a: 0, b: 0x302, c: 0x7060504, d: 0x0f0e0d0c0b0a0908n });
  assert.throws(() => codec.encode(undefined as never, 'TCP_INFO', CONTEXT), /TCP_INFO: expected nothing/);
});

test('struct takes fields that are structs, arrays, missing or reserved', () => {
  const codec = struct({
    kind: u8,
    inner: nested({ x: u16, y: mayBeMissing(u32) }),
    _gap: reserved(3),
    list: arrayOf(u16, 3),
    last: mayBeMissing(u8),
  });
  assert.equal(codec.size, 24);
  const written = codec.encode({ kind: 1, inner: { x: 2 }, list: [3, 4] }, 'v', CONTEXT);
  assert.deepEqual(codec.decode(written), {
    kind: 1,
    inner: { x: 2, y: 0 },
    list: [3, 4, 0],
    last: 0,
  });
  assert.throws(
    () => codec.encode({ kind: 1, inner: { x: -1 }, list: [] }, 'v', CONTEXT),
    /^RangeError: v\.inner\.x: /,
  );
  assert.throws(
    () => codec.encode({ kind: 1, inner: { x: 1 }, list: [1, 2, 3, 4] }, 'v', CONTEXT),
    /v\.list\.length: /,
  );
  assert.throws(
    () => codec.encode({ kind: 1, inner: { x: 1 }, list: [1, 70000] }, 'v', CONTEXT),
    /v\.list\[1\]: /,
  );
  const odd = { kind: 1, inner: { x: 1 }, list: 'ab' as unknown as number[] };
  assert.throws(() => codec.encode(odd, 'v', CONTEXT), /^TypeError: v\.list: /);
});

test('ipv4 and ipv6 are strict text', () => {
  const codec = struct({ four: ipv4, six: ipv6 });
  const value = { four: '192.0.2.1', six: '2001:db8::1' };
  assert.equal(hex(codec.encode(value, 'v', CONTEXT)), 'c000020120010db8000000000000000000000001');
  assert.deepEqual(codec.decode(codec.encode(value, 'v', CONTEXT)), value);
  for (const four of ['127.1', '010.0.0.1', '', '::1', 'localhost'])
    assert.throws(() => codec.encode({ ...value, four }, 'v', CONTEXT), /^RangeError: v\.four: /);
  for (const six of ['127.0.0.1', 'fe80::1%eth0', '[::1]', ''])
    assert.throws(() => codec.encode({ ...value, six }, 'v', CONTEXT), /^RangeError: v\.six: /);
});

test('interfaceIndex takes a name or a number', () => {
  const codec = single(interfaceIndex);
  assert.deepEqual([...codec.encode('eth0', 'v', CONTEXT)], [7, 0, 0, 0]);
  assert.deepEqual([...codec.encode(9, 'v', CONTEXT)], [9, 0, 0, 0]);
  assert.equal(codec.decode(Uint8Array.of(7, 1, 0, 0)), 263);
  assert.throws(() => codec.encode('none', 'v', CONTEXT), /no interface none/);
  for (const value of ['', 'a b', 'a/b', 'x'.repeat(16), 'a\0', -1, 0.5, 2 ** 31])
    assert.throws(() => codec.encode(value, 'v', CONTEXT), /^RangeError: v: /);
  for (const value of [null, undefined, {}, 1n])
    assert.throws(() => codec.encode(value as string, 'v', CONTEXT), /^TypeError: v: /);
});

test('text ends with its NUL, and must fit with it', () => {
  const codec = single(text(8));
  assert.equal(hex(codec.encode('reno', 'v', CONTEXT)), '72656e6f00000000');
  assert.equal(codec.decode(Buffer.from('reno\0xyz')), 'reno');
  assert.equal(codec.decode(Buffer.from('12345678')), '12345678');
  assert.equal(codec.encode('1234567', 'v', CONTEXT).length, 8);
  for (const value of ['12345678', 'a\0b', 'ääää'])
    assert.throws(() => codec.encode(value, 'v', CONTEXT), RangeError);
  assert.throws(() => codec.encode(5 as unknown as string, 'v', CONTEXT), TypeError);
});

test('bytes have their exact length, and are copied', () => {
  const codec = single(bytes(3));
  const source = Uint8Array.of(1, 2, 3);
  const written = codec.encode(source, 'v', CONTEXT);
  const got = codec.decode(written);
  written.fill(0);
  assert.deepEqual([...got], [1, 2, 3]);
  assert.throws(() => codec.encode(new Uint8Array(2), 'v', CONTEXT), /^RangeError: v\.length: /);
  assert.throws(() => codec.encode([1, 2, 3] as unknown as Uint8Array, 'v', CONTEXT), /^TypeError: v: /);
});
