import assert from 'node:assert/strict';
import test from 'node:test';
import { Failure } from './failure.ts';
import { printable, stringify } from './text.ts';

test('stringify writes values as ucode prints them', () => {
  const rows: readonly (readonly [value: unknown, text: string])[] = [
    [12.5, '12.5'],
    [3, '3'],
    [-7, '-7'],
    [0.1 + 0.2, '0.3'],
    [1 / 3, '0.33333333333333'],
    [1e20, '1e+20'],
    [1e-7, '1e-07'],
    [1e100, '1e+100'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [10n ** 20n, '100000000000000000000'],
    ['as it is', 'as it is'],
    [Buffer.from('bytes'), 'bytes'],
    [[], '[ ]'],
    [{}, '{ }'],
    [[1, 'a\n\0b', null, true, 1.5], '[ 1, "a\\n\\u0000b", null, true, 1.5 ]'],
    [{ a: 1, 'b c': [[]], d: undefined }, '{ "a": 1, "b c": [ [ ] ], "d": null }'],
    [[Buffer.from('x"y')], '[ "x\\"y" ]'],
    [new URL('http://a/b'), 'http://a/b'],
    [[new URL('http://a/b')], '[ "http://a/b" ]'],
    [Object.create(null), '{ }'],
    [stringify, 'function stringify(...) { [native code] }'],
    [Symbol('s'), 'Symbol(s)'],
  ];
  for (const [value, text] of rows) assert.equal(stringify(value), text);
});

test('stringify shows what contains itself once', () => {
  const list: unknown[] = [1];
  list.push(list, { list });
  assert.equal(stringify(list), '[ 1, null, { "list": null } ]');
});

test('stringify refuses what is nested beyond reason, and does not fall over it', () => {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i++) value = [value];
  assert.throws(() => stringify(value), Failure);
});

test('printable has an object shown in a template string, and nowhere else', () => {
  const object = printable({ a: 1, b: printable({ c: 'd' }) });
  assert.equal(`${String(object)}!`, '{ "a": 1, "b": { "c": "d" } }!');
  assert.deepEqual(object, { a: 1, b: { c: 'd' } });
  assert.equal(JSON.stringify(object), '{"a":1,"b":{"c":"d"}}');
  assert.deepEqual(Object.keys(object), ['a', 'b']);
});
