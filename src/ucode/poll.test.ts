import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { Socket as PosixSocket } from '../posix/socket.ts';
import { EINVAL, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP } from './constants.ts';
import { descriptorOf } from './descriptors.ts';
import { create, error } from './module.ts';
import { poll } from './poll.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, must, using, usingPair } from './test-kit.ts';

checkLeaks();

test('poll waits for data and errors unless it is told for what', () => {
  const [a, b] = usingPair();
  assert.deepEqual(poll(0, a), [[a, 0]]);
  b.send('x');
  assert.deepEqual(poll(-1, a), [[a, POLLIN]]);
  assert.deepEqual(poll(0, [a, POLLOUT]), [[a, POLLOUT]]);
  assert.deepEqual(poll(0, [a]), [[a, 0]]);
  b.close();
  assert.deepEqual(poll(0, [a, POLLRDHUP], [a, 0]), [
    [a, POLLRDHUP | POLLHUP],
    [a, POLLHUP],
  ]);
});

test('poll takes sockets, numbers, and whatever has a descriptor', () => {
  const [a, b] = usingPair();
  b.send('x');
  const posix = PosixSocket.fromFd(a.fileno(), 'borrow');
  const file = openSync('/dev/null', 'r');
  const handle = { fileno: () => a.fileno() };
  const results = must(poll(1000, a.fileno(), handle, posix, [file, POLLIN, 'file']));
  assert.deepEqual(results, [
    [a.fileno(), POLLIN],
    [handle, POLLIN],
    [posix, POLLIN],
    [file, POLLIN, 'file'],
  ]);
  posix.close();
  closeSync(file);
});

test('poll asks the same socket in several ways at once', () => {
  const [a] = usingPair();
  assert.deepEqual(poll(0, [a, POLLIN, 1], [a, POLLOUT, 2]), [
    [a, 0, 1],
    [a, POLLOUT, 2],
  ]);
});

test('poll without items waits for the time alone', () => {
  const began = performance.now();
  assert.deepEqual(poll(20), []);
  assert.ok(performance.now() - began >= 19);
});

test('poll does not wait if an item cannot be waited for', () => {
  const [a] = usingPair();
  assert.deepEqual(poll(60_000, a, null as unknown as Socket), [
    [a, 0],
    [null, POLLNVAL],
  ]);
});

test('poll converts flags loosely, and negative ones without their sign', () => {
  const [a] = usingPair();
  const flags = (value: unknown): number => must(poll(0, [a, value as number]))[0][1];
  // All bits: room for data of every priority.
  for (const value of [-1, 32767]) assert.equal(flags(value) & POLLOUT, POLLOUT);
  assert.deepEqual(['4', 4.9, true, null, 32768, -32769, 'x', {}].map(flags), [
    POLLOUT,
    POLLOUT,
    0,
    0,
    POLLNVAL,
    POLLNVAL,
    POLLNVAL,
    POLLNVAL,
  ]);
});

test('poll gives every item that is no array a result of its own', () => {
  const lonely = using(create());
  const results = must(poll(0, lonely, lonely));
  assert.notEqual(results[0], results[1]);
});

test('poll refuses a time that is none', () => {
  assert.equal(poll('0' as unknown as number), null);
  assert.equal(error(true), EINVAL);
});

test('descriptorOf answers what is a descriptor, or null', () => {
  assert.equal(descriptorOf(0), 0);
  assert.equal(descriptorOf({ fd: 7 }), 7);
  assert.equal(descriptorOf({ fileno: () => 7, fd: 8 }), 7);
  const others = [
    null,
    undefined,
    -1,
    1.5,
    NaN,
    2 ** 31,
    '1',
    {},
    { fd: -1 },
    { fileno: () => null },
    [],
    true,
  ];
  for (const value of others) assert.equal(descriptorOf(value), null);
});
