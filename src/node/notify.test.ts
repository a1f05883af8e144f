/** What a service manager is told: against sockets of CPython's, which stand for the manager. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Socket } from '../posix/socket.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { node, python } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { ServiceState } from './notify.ts';
import { notify, watchdog } from './notify.ts';
import './test-kit.ts';

/** A manager that prints each datagram as JSON, with the number of descriptors that came and what can be read from the first. */
const MANAGER = `
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + path[1:] if path[0] == '@' else path)
say('ready')
while True:
    data, fds, flags, address = socket.recv_fds(s, 65536, 16)
    first = os.read(fds[0], 100).decode() if fds else None
    for fd in fds: os.close(fd)
    say(json.dumps({'text': data.decode(), 'count': len(fds), 'first': first}))
`;

interface Told {
  readonly text: string;
  readonly count: number;
  readonly first: string | null;
}

test('notify returns false where no manager wants to hear', async () => {
  assert.equal(await notify({ ready: true }, {}, {}), false);
  assert.equal(await notify({ ready: true }, {}, { NOTIFY_SOCKET: '' }), false);
});

const STATES: readonly (readonly [ServiceState, RegExp])[] = [
  [{ ready: true, status: 'all is well' }, /^READY=1\nSTATUS=all is well$/],
  [{ stopping: true }, /^STOPPING=1$/],
  [{ reloading: true }, /^RELOADING=1\nMONOTONIC_USEC=\d+$/],
  [{ watchdog: true, mainPid: 17 }, /^WATCHDOG=1\nMAINPID=17$/],
  [{ errno: 2, extendTimeout: 5000 }, /^ERRNO=2\nEXTEND_TIMEOUT_USEC=5000$/],
  [{ forget: 'old' }, /^FDSTOREREMOVE=1\nFDNAME=old$/],
];

for (const kind of ['path', 'abstract name'] as const)
  test(`notify tells a manager at ${kind === 'path' ? 'a path' : 'an abstract name'}`, async (t) => {
    const address = kind === 'path' ? tempPath('notify') : `@portside-${String(process.pid)}`;
    const manager = python(t, MANAGER, address);
    await manager.line();
    const before = countDescriptors();
    for (const [state, expected] of STATES) {
      assert.equal(await notify(state, { timeout: 10_000 }, { NOTIFY_SOCKET: address }), true);
      const told = await manager.json<Told>();
      assert.match(told.text, expected);
      assert.equal(told.count, 0);
    }
    assert.equal(countDescriptors(), before);
  });

test('notify tells of a reload with the time of the monotonic clock', async (t) => {
  const address = tempPath('notify');
  const manager = python(t, MANAGER, address);
  await manager.line();
  const before = process.hrtime.bigint() / 1000n;
  await notify({ reloading: true }, {}, { NOTIFY_SOCKET: address });
  const [, time = ''] = /MONOTONIC_USEC=(\d+)/.exec((await manager.json<Told>()).text) ?? [];
  assert.ok(BigInt(time) >= before && BigInt(time) <= process.hrtime.bigint() / 1000n);
});

test('notify hands descriptors to the manager, and keeps them open here', async (t) => {
  const address = tempPath('notify');
  const manager = python(t, MANAGER, address);
  await manager.line();
  const [near, far] = Socket.pair();
  far.send(new TextEncoder().encode('from the store'));
  const store = { name: 'kept', descriptors: [near.fd, near.fd] };
  assert.equal(await notify({ store }, {}, { NOTIFY_SOCKET: address }), true);
  const told = await manager.json<Told>();
  assert.deepEqual(told, { text: 'FDSTORE=1\nFDNAME=kept', count: 2, first: 'from the store' });
  assert.ok(near.fd >= 0);
  near.close();
  far.close();
});

test('notify rejects, and leaves nothing open, when nobody is there', async () => {
  const before = countDescriptors();
  await assert.rejects(notify({ ready: true }, {}, { NOTIFY_SOCKET: tempPath('nobody') }), {
    code: 'ENOENT',
  });
  await assert.rejects(notify({ ready: true }, {}, { NOTIFY_SOCKET: '@portside-nobody' }), {
    code: 'ECONNREFUSED',
  });
  await assert.rejects(
    notify({ store: { name: 'x', descriptors: [99_999] } }, {}, { NOTIFY_SOCKET: '@portside-nobody' }),
    { code: 'EBADF' },
  );
  assert.equal(countDescriptors(), before);
});

test('notify refuses an address of a kind that it does not know', async () => {
  for (const address of ['relative', 'vsock:2:1234', '@'])
    await assert.rejects(notify({ ready: true }, {}, { NOTIFY_SOCKET: address }), {
      code: 'ERR_UNSUPPORTED',
    });
});

test('notify refuses what cannot be told, also where nobody would hear it', async () => {
  const wrongType = [null, 'READY=1', { ready: 1 }, { status: 5 }, { store: {} }];
  for (const state of wrongType) await assert.rejects(notify(state as never, {}, {}), TypeError);
  const outOfRange = [
    {},
    { ready: false },
    { status: 'two\nlines' },
    { mainPid: 0 },
    { errno: -1 },
    { store: { name: 'a:b', descriptors: [1] } },
    { store: { name: 'a', descriptors: [] } },
    { store: { name: 'a', descriptors: [1] }, forget: 'b' },
    { forget: '' },
  ];
  for (const state of outOfRange)
    await assert.rejects(notify(state, {}, {}), RangeError, JSON.stringify(state));
});

test('watchdog returns false where nobody asks this process for it', () => {
  assert.equal(watchdog({}, {}), false);
  assert.equal(watchdog({}, { WATCHDOG_USEC: '1000', WATCHDOG_PID: String(process.pid + 1) }), false);
});

test('watchdog refuses an environment that cannot be', () => {
  for (const value of ['', '1e3', '-5', ' 7', '0x10'])
    assert.throws(() => watchdog({}, { WATCHDOG_USEC: value }), TypeError);
  assert.throws(() => watchdog({}, { WATCHDOG_USEC: '0' }), RangeError);
  assert.throws(() => watchdog({ onError: 'x' } as never, {}), TypeError);
});

test('watchdog reassures again and again, at half of the time that the manager waits, until it is stopped', async (t) => {
  const address = tempPath('notify');
  const manager = python(t, MANAGER, address);
  await manager.line();
  const dog = watchdog(
    {},
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) },
  );
  assert.ok(dog);
  assert.equal(dog.interval, 10);
  for (let i = 0; i < 3; i++) assert.equal((await manager.json<Told>()).text, 'WATCHDOG=1');
  dog.stop();
  dog.stop();
});

test('watchdog tells who asked that the manager cannot be told', async () => {
  const told = await new Promise((resolve) => {
    const dog = watchdog(
      { onError: resolve },
      { NOTIFY_SOCKET: '@portside-nobody', WATCHDOG_USEC: '60000000' },
    );
    assert.ok(dog);
    dog.stop();
  });
  assert.equal((told as { code?: string }).code, 'ECONNREFUSED');
});

test('watchdog keeps no process alive', async (t) => {
  const module = new URL('./notify.js', import.meta.url).href;
  assert.ok(fileURLToPath(module).endsWith('notify.js'));
  const child = node(
    t,
    `const { watchdog } = await import('${module}');
     const dog = watchdog({ onError: () => undefined }, { NOTIFY_SOCKET: '@portside-nobody', WATCHDOG_USEC: '60000000' });
     say(dog !== false);`,
  );
  assert.equal(await child.json(), true);
  assert.deepEqual(await child.ended, { status: 0, stderr: '' });
});
