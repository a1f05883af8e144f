import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { leakCheck, openDescriptors } from '../testing/node/leak-check.ts';
import type { DescriptorKind } from './descriptor.ts';
import { Descriptor, OWN } from './descriptor.ts';
import { Socket } from './socket.ts';
import { getSpace } from './space.ts';

const folder = mkdtempSync(join(tmpdir(), 'portside-descriptor-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function own(fd: number): Descriptor {
  return new Descriptor(getSpace().native.adopt(fd, true), OWN);
}

function isOpen(fd: number): boolean {
  return openDescriptors().has(fd);
}

const OPENED: readonly (readonly [DescriptorKind, () => number])[] = [
  ['file', () => openSync(join(folder, 'file'), 'w')],
  ['directory', () => openSync(folder, 'r')],
  ['character', () => openSync('/dev/null', 'r')],
  ['socket', () => Socket.socket('AF_UNIX', 'SOCK_DGRAM').detach()],
];

for (const [kind, open] of OPENED) {
  test(`Descriptor knows a ${kind}`, () => {
    using descriptor = own(open());
    assert.equal(descriptor.kind, kind);
    assert.equal(descriptor.kind, kind);
  });
}

test('Descriptor lends its number, and closes it once (F51)', () => {
  const leaks = leakCheck();
  const descriptor = own(openSync('/dev/null', 'r'));
  const { fd } = descriptor;
  assert.ok(isOpen(fd));
  assert.equal(descriptor.isClosed, false);
  descriptor.close();
  assert.equal(descriptor.isClosed, true);
  assert.ok(!isOpen(fd));
  const again = openSync('/dev/null', 'r');
  // The number is another's now.
  assert.equal(again, fd);
  descriptor.close();
  descriptor[Symbol.dispose]();
  assert.ok(isOpen(again));
  closeSync(again);
  leaks.check();
});

test('Descriptor refuses everything but closing when it is closed', () => {
  const descriptor = own(openSync('/dev/null', 'r'));
  descriptor.close();
  for (const use of [
    () => descriptor.fd,
    () => descriptor.kind,
    () => descriptor.detach(),
    () => descriptor.toSocket(),
  ])
    assert.throws(use, { code: 'ERR_SOCKET_CLOSED' });
});

test('detach gives the number up without closing it', () => {
  const descriptor = own(openSync(join(folder, 'file'), 'w'));
  const { fd } = descriptor;
  assert.equal(descriptor.detach(), fd);
  assert.equal(descriptor.isClosed, true);
  descriptor.close();
  assert.equal(writeSync(fd, 'abc'), 3);
  assert.throws(() => descriptor.detach(), { code: 'ERR_SOCKET_CLOSED' });
  closeSync(fd);
});

test('toSocket makes a socket that owns the number', () => {
  const leaks = leakCheck();
  const [a, b] = Socket.pair('AF_UNIX', 'SOCK_STREAM');
  const descriptor = own(b.detach());
  const { fd } = descriptor;
  const socket = descriptor.toSocket();
  assert.equal(descriptor.isClosed, true);
  assert.equal(socket.fd, fd);
  descriptor.close();
  a.send(Uint8Array.of(1, 2, 3));
  assert.deepEqual(socket.recv(), Uint8Array.of(1, 2, 3));
  socket.close();
  assert.ok(!isOpen(fd));
  a.close();
  leaks.check();
});

test('toSocket leaves what is no socket to the descriptor', () => {
  const leaks = leakCheck();
  const descriptor = own(openSync('/dev/null', 'r'));
  const { fd } = descriptor;
  assert.throws(() => descriptor.toSocket(), { code: 'ENOTSOCK' });
  assert.equal(descriptor.fd, fd);
  fstatSync(fd);
  descriptor.close();
  leaks.check();
});

/** Makes one that nobody has, and remembers no more of it than its number. */
function lose(): number {
  return own(openSync('/dev/null', 'r')).fd;
}

test('Descriptor is closed when it is collected, with one warning (F08)', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listener);
  const fd = lose();
  assert.ok(isOpen(fd));
  while (isOpen(fd)) {
    collect();
    await setImmediate();
  }
  // The warning is given in a later tick than that which closed it.
  await setImmediate();
  process.off('warning', listener);
  assert.deepEqual(
    warnings.map(({ name, message }) => [name, message.includes(`a received descriptor ${String(fd)}`)]),
    [['PortsideLeakWarning', true]],
  );
});
