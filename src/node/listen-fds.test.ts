/** Sockets that a service manager has opened: systemd's own activation program starts what is tested. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import test from 'node:test';
import { text } from 'node:stream/consumers';
import { formatAddress } from '../base/address.ts';
import { Socket } from '../posix/socket.ts';
import { Peer } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { fileDescriptor } from './file-descriptor.ts';
import { listenFds } from './listen-fds.ts';
import { world } from './test-kit.ts';

const ACTIVATE = 'systemd-socket-activate';
const skip = spawnSync(ACTIVATE, ['--version']).error === undefined ? false : `no ${ACTIVATE}`;
const DOOR = new URL('../doors/portside.js', import.meta.url).href;

/** What is started: it tells what it has found, answers one connection, and ends. */
const SERVICE = `
import { readFileSync } from 'node:fs';
import { listenFds } from '${DOOR}';
const left = () => Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
const isCloseOnExec = (fd) =>
  (Number.parseInt(/flags:\\s+(\\d+)/.exec(readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1], 8) & 0o2000000) !== 0;
const passed = listenFds({ names: process.argv.slice(1), readAhead: 1000 });
const found = passed.map(({ name, fd, kind }) => ({ name, fd, kind, isCloseOnExec: isCloseOnExec(fd) }));
const told = JSON.stringify({ found, left: left(), again: listenFds().length });
for (const each of passed) if (each.kind === 'server' || each.kind === 'packet-server') {
  const connection = await each.socket.accept();
  await (each.kind === 'server' ? connection.write(told) : connection.send(told));
  await connection.close();
  await each.socket.close();
  break;
} else if (each.kind === 'datagram') {
  const { bytes, remote } = await each.socket.receive();
  await each.socket.send(bytes, remote);
  await each.socket.send(told, remote);
  await each.socket.close();
}
`;

/** What is started: it asks for what cannot be, twice, and tells what that has left. */
const REFUSED = `
import { fstatSync } from 'node:fs';
import { listenFds, sockets } from '${DOOR}';
const refusal = (call) => { try { call(); return 'none'; } catch ({ name, code }) { return code ?? name; } };
const told = [refusal(() => listenFds({ acceptAhed: 1 }))];
fstatSync(3);
told.push(refusal(() => listenFds({ acceptAhead: -1 })), refusal(() => fstatSync(3)), sockets().length);
console.log(JSON.stringify(told));
`;

const plain = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Starts the service as soon as somebody comes, and waits until it is listened for it. */
async function activate(
  t: TestContext,
  sockets: readonly string[],
  flags: readonly string[],
  [code, ...args]: readonly [code: string, ...names: string[]] = [SERVICE],
): Promise<Peer> {
  const listen = sockets.flatMap((path) => ['-l', path]);
  const command = [process.execPath, '--input-type=module', '-e', code, '--', ...args];
  const peer = new Peer(t, ACTIVATE, [...listen, ...flags, ...command]);
  let heard = '';
  await new Promise<void>((resolve) => {
    peer.child.stderr.on('data', (chunk: string) => {
      heard += chunk;
      if (heard.split('Listening on').length > sockets.length) resolve();
    });
  });
  return peer;
}

async function ask(path: string): Promise<unknown> {
  const socket = connect(path);
  await once(socket, 'connect');
  return JSON.parse(await text(socket)) as unknown;
}

test('listenFds takes sockets by name, close-on-exec, and clears the environment', { skip }, async (t) => {
  const paths = [tempPath('web'), tempPath('control')] as const;
  await activate(t, paths, ['--fdname=web:control'], [SERVICE, 'control', 'web']);
  assert.deepEqual(await ask(paths[0]), {
    found: [
      { name: 'web', fd: 3, kind: 'server', isCloseOnExec: true },
      { name: 'control', fd: 4, kind: 'server', isCloseOnExec: true },
    ],
    left: [],
    again: 0,
  });
  assert.ok(existsSync(paths[0]), 'the path is the manager’s');
});

test(
  'listenFds takes a socket of datagrams, with the one for which the service was started',
  { skip },
  async (t) => {
    const context = world(t);
    const path = tempPath('log');
    const peer = await activate(t, [path], ['--datagram', '--fdname=log']);
    const client = await context.front.bind({ on: { path: tempPath('client') }, to: { path } });
    await client.send('first');
    assert.equal(plain((await client.receive()).bytes), 'first');
    const { found } = JSON.parse(plain((await client.receive()).bytes)) as { found: unknown };
    assert.deepEqual(found, [{ name: 'log', fd: 3, kind: 'datagram', isCloseOnExec: true }]);
    assert.equal((await peer.ended).status, 0);
  },
);

test('listenFds takes a UDP socket', { skip }, async (t) => {
  const context = world(t);
  const free = await context.front.bind({ on: '127.0.0.1:0' });
  const to = formatAddress(free.local);
  await free.close();
  const peer = await activate(t, [to], ['--datagram', '--fdname=dns']);
  const client = await context.front.bind({ to });
  await client.send('first');
  assert.equal(plain((await client.receive()).bytes), 'first');
  const { found } = JSON.parse(plain((await client.receive()).bytes)) as { found: unknown };
  assert.deepEqual(found, [{ name: 'dns', fd: 3, kind: 'datagram', isCloseOnExec: true }]);
  assert.equal((await peer.ended).status, 0);
});

test('listenFds takes a listener for packets', { skip }, async (t) => {
  const context = world(t);
  const path = tempPath('control');
  const peer = await activate(t, [path], ['--seqpacket', '--fdname=control']);
  const client = await context.front.bind({ to: { path }, type: 'seqpacket' });
  const { found } = JSON.parse(plain((await client.receive()).bytes)) as { found: unknown };
  assert.deepEqual(found, [{ name: 'control', fd: 3, kind: 'packet-server', isCloseOnExec: true }]);
  assert.equal((await peer.ended).status, 0);
});

/** Starts a program with descriptors that a manager would have passed. */
async function passTo(
  code: string,
  { fds, stdin }: { readonly fds: readonly number[]; readonly stdin?: number },
): Promise<unknown> {
  // LISTEN_PID must be the number of the process that is to have them, which only it knows.
  const prelude = 'process.env.LISTEN_PID = String(process.pid);';
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + code], {
    stdio: [stdin ?? 'ignore', 'pipe', 'inherit', ...fds],
    env: { ...process.env, LISTEN_FDS: String(fds.length) },
  });
  const { stdout } = child;
  assert.ok(stdout !== null);
  const [told, ended] = await Promise.all([text(stdout), once(child, 'exit')]);
  assert.deepEqual(ended, [0, null]);
  return JSON.parse(told);
}

test('listenFds leaves to the program what is no socket of ours, unharmed', async (t) => {
  const context = world(t);
  using netlink = Socket.socket('AF_NETLINK', 'SOCK_DGRAM', 'NETLINK_ROUTE');
  using idle = Socket.socket('AF_UNIX', 'SOCK_SEQPACKET');
  using udp = Socket.socket('AF_INET', 'SOCK_DGRAM');
  const fifo = tempPath('fifo');
  execFileSync('mkfifo', [fifo]);
  const file = openSync(fifo, 'r+');
  context.later(() => {
    closeSync(file);
  });
  const code = `
import { fstatSync } from 'node:fs';
import { listenFds } from '${DOOR}';
const passed = listenFds({ maxQueued: 10, meta: ['local'] });
console.log(JSON.stringify(passed.map(({ name, fd, kind }) => [name, kind, fstatSync(fd).isSocket()])));
for (const { kind, socket } of passed) if (kind === 'datagram') await socket.close();
`;
  assert.deepEqual(await passTo(code, { fds: [netlink.fd, idle.fd, udp.fd, file] }), [
    ['unknown', 'other', true],
    ['unknown', 'other', true],
    ['unknown', 'datagram', true],
    ['unknown', 'other', false],
  ]);
});

test('a socket of datagrams that is the standard input is taken and answered (as of inetd)', async (t) => {
  const context = world(t);
  const server = await context.front.bind({ on: '127.0.0.1:0' });
  const client = await context.front.bind({ to: formatAddress(server.local) });
  await client.send('question');
  const code = `
import { fromFd } from '${DOOR}';
const { kind, socket } = fromFd(0, { ownership: 'borrow', meta: ['ttl'] });
const { bytes, remote, ttl } = await socket.receive();
await socket.send('answer to ' + new TextDecoder().decode(bytes), remote);
await socket.close();
console.log(JSON.stringify([kind, ttl]));
`;
  const fd = fileDescriptor(context, server);
  assert.deepEqual(await passTo(code, { fds: [], stdin: fd }), ['datagram', 64]);
  assert.equal(plain((await client.receive()).bytes), 'answer to question');
});

test('listenFds names what the manager does not', { skip }, async (t) => {
  const path = tempPath('web');
  await activate(t, [path], []);
  const told = (await ask(path)) as { found: { name: string }[] };
  assert.equal(told.found.length, 1);
  assert.equal(typeof told.found[0]?.name, 'string');
});

test('listenFds refuses options that cannot be, and takes nothing', { skip }, async (t) => {
  const path = tempPath('web');
  const peer = await activate(t, [path], [], [REFUSED]);
  const socket = connect(path).on('error', () => undefined);
  t.after(() => socket.destroy());
  assert.deepEqual(await peer.json(), ['TypeError', 'RangeError', 'none', 0]);
});

const pid = String(process.pid);

test('listenFds answers an empty list where nothing is passed, or it is meant for another process', (t) => {
  const context = world(t);
  for (const env of [
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: pid },
    { LISTEN_PID: pid, LISTEN_FDS: '0' },
    { LISTEN_PID: String(process.pid + 1), LISTEN_FDS: '1' },
  ])
    assert.deepEqual(listenFds(context, {}, { ...env }), [], JSON.stringify(env));
});

test('listenFds refuses an environment that cannot be, and takes nothing', (t) => {
  const context = world(t);
  for (const count of ['', 'three', '1e0', '-1', ' 1', '1.5'])
    assert.throws(() => listenFds(context, {}, { LISTEN_PID: pid, LISTEN_FDS: count }), TypeError);
  assert.throws(() => listenFds(context, {}, { LISTEN_PID: 'x', LISTEN_FDS: '1' }), TypeError);
  const mismatch = { LISTEN_PID: pid, LISTEN_FDS: '2', LISTEN_FDNAMES: 'one' };
  assert.throws(() => listenFds(context, {}, { ...mismatch }), RangeError);
  // The second would take minutes, and all memory, if each had a row before any was looked at.
  for (const count of ['5000', '2147483644'])
    assert.throws(() => listenFds(context, {}, { LISTEN_PID: pid, LISTEN_FDS: count }), {
      code: 'EBADF',
      message: /^listenFds: descriptor \d+ is not open, although LISTEN_FDS says so/,
    });
  assert.deepEqual([...context.provider.sockets()], []);
});

test('listenFds demands the names that must be there', (t) => {
  const context = world(t);
  assert.throws(() => listenFds(context, { names: ['web'] }, {}), {
    name: 'RangeError',
    message: 'options.names: no descriptor came by the name of web',
  });
  for (const options of [null, { names: 'web' }, { names: [1] }, { unsetEnvironment: 1 }, { naems: [] }])
    assert.throws(() => listenFds(context, options as never, {}), TypeError);
});
