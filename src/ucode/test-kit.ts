/** What the tests here share. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import type { LeakCheck } from '../testing/node/leak-check.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { ControlMessage } from './control.ts';
import { error, pair } from './module.ts';
import type { Socket } from './socket.ts';

/** What must not have failed. */
export function must<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined, String(error()));
  return value;
}

const sockets: Socket[] = [];

/** A socket, which must be one, and is closed when the test is over. */
export function using(socket: Socket | null | undefined): Socket {
  const made = must(socket);
  sockets.push(made);
  return made;
}

export function usingPair(type?: number): [Socket, Socket] {
  const [a, b] = must(pair(type));
  return [using(a), using(b)];
}

/** Has each test of the file closed up, and counts descriptors before and after. */
export function checkLeaks(): void {
  // The first socket of all brings the native module's own descriptors.
  for (const socket of must(pair())) socket.close();
  let leaks: LeakCheck;
  beforeEach(() => {
    leaks = leakCheck();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
    leaks.check();
  });
}

export const portOf = (socket: Socket): number => must(must(socket.sockname()).port);

/** What a control message says; `undefined` if there is none of this kind. */
export function dataOf(
  ancillary: readonly ControlMessage[] | undefined,
  level: number,
  type: number,
): unknown {
  return ancillary?.find((each) => each.level === level && each.type === type)?.data;
}
