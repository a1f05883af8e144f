import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonText, JsonTextError, formatJsonPath } from './json-text.ts';

const parse = (text: string): JsonText => new JsonText(new TextEncoder().encode(text));

test('JsonText reads comments and a byte-order mark as Chrome does', () => {
  const text = parse('\ufeff// one\n{ /* two */ "a": [1, "x"] }');
  assert.deepEqual(text.value, { a: [1, 'x'] });
  assert.deepEqual(text.placeOf(['a']), { line: 2, column: 18 });
});

test('JsonText places of values, and of what is missing', () => {
  const text = parse('{\r\n  "a": {\r\n    "b": [10,\r\n 20]\r\n  }\r\n}');
  assert.deepEqual(text.placeOf(['a', 'b', 1]), { line: 4, column: 2 });
  assert.deepEqual(text.placeOf(['a', 'nothing', 3]), { line: 2, column: 8 });
  assert.deepEqual(text.placeOf(['a', 'b', 'length']), { line: 3, column: 10 });
  assert.deepEqual(text.placeOf([]), { line: 1, column: 1 });
});

test('JsonText takes the last of two equal keys, for value and place', () => {
  const text = parse('{"a": 1,\n"a": 2}');
  assert.deepEqual(text.value, { a: 2 });
  assert.deepEqual(text.placeOf(['a']), { line: 2, column: 6 });
});

test('JsonText makes __proto__ a key like any other', () => {
  const { value } = parse('{"__proto__": {"app": 1}}');
  assert.equal((value as { app?: unknown }).app, undefined);
  assert.deepEqual(Object.keys(value as object), ['__proto__']);
});

const FAULTS: readonly (readonly [text: string, line: number, column: number, reason: RegExp])[] = [
  ['', 1, 1, /the file is empty/],
  ['{"a":', 1, 6, /the file ends too early/],
  ['{\n  "a": 1,\n}', 3, 1, /expected a key in double quotes \(the last one/],
  ['{"a": [1, 2,]}', 1, 13, /expected a value \(the last one/],
  ['{"a" 1}', 1, 6, /expected ':'/],
  ['{"a": 1 "b": 2}', 1, 9, /expected ','/],
  ["{'a': 1}", 1, 2, /double quotes/],
  ['{"a": 1', 1, 8, /expected ',' or '}'/],
  ['{"a": "x', 1, 7, /string is not closed/],
  ['{"a": "\\q"}', 1, 7, /escape/],
  ['{"a": 1} x', 1, 10, /end of the file|expected a value/],
  ['{"a": /* 1}', 1, 7, /comment is not closed/],
];

for (const [text, line, column, reason] of FAULTS) {
  test(`JsonText tells the place of the fault in ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(error instanceof JsonTextError);
        assert.match(error.message, reason);
        assert.deepEqual(error.place, { line, column });
        return true;
      },
    );
  });
}

test('JsonText refuses bytes that are not UTF-8, at their place', () => {
  const bytes = Uint8Array.from([0x7b, 0x0a, 0x22, 0xe9, 0x22, 0x7d]);
  assert.throws(
    () => new JsonText(bytes),
    (error) => error instanceof JsonTextError && error.place.line === 2 && error.place.column === 2,
  );
});

test('formatJsonPath writes paths as code does', () => {
  assert.equal(formatJsonPath([]), '');
  assert.equal(formatJsonPath(['sockets', 'tcp', 'connect', 1]), 'sockets.tcp.connect[1]');
  assert.equal(formatJsonPath(['a key', 0]), '["a key"][0]');
});
