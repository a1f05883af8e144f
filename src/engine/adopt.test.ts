/** Sockets that are there already: what the engine takes, what it refuses, and whose they are afterwards (F53, F54). */
import assert from 'node:assert/strict';
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import test from 'node:test';

import { isSocketError } from '../base/errors.ts';
import type { Listener, Stream } from '../base/provider.ts';
import { Socket } from '../posix/socket.ts';
import { connected, portOf, record, recordListener, whereIs } from '../testing/node/pairs.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { asciiBytes } from '../testing/pattern.ts';
import type { AdoptOptions } from './adopt.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';
import { BORROW, makeProvider, TAKE } from './test-kit.ts';

function stream(provider: LocalProvider, fd: number, options: AdoptOptions): Stream {
  const adopted = provider.adopt(fd, options);
  assert.equal(adopted.kind, 'stream');
  return (adopted as { stream: Stream }).stream;
}

function listener(provider: LocalProvider, fd: number, options: AdoptOptions): Listener {
  const adopted = provider.adopt(fd, options);
  assert.equal(adopted.kind, 'listener');
  return (adopted as { listener: Listener }).listener;
}

function openListener(): Socket {
  const made = Socket.socket('AF_INET', 'SOCK_STREAM');
  made.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  made.listen();
  return made;
}

for (const poller of ['epoll', 'poll'] as const) {
  test(`adopt makes a stream of a connected socket, with what was unread in the kernel (${poller})`, async (t) => {
    const provider = makeProvider(t, { poller });
    const [near, far] = Socket.pair();
    far.send(asciiBytes('early '));
    const taken = stream(provider, near.detach(), TAKE);
    assert.equal(taken.transport, 'unix');
    const recorder = record(t, taken);
    await recorder.untilBytes(6);
    far.send(asciiBytes('late'));
    await recorder.untilBytes(10);
    assert.equal(recorder.text(), 'early late');
    taken.write(asciiBytes('answer'));
    assert.equal(Buffer.from(await far.recvAsync()).toString(), 'answer');
    await taken.close();
    assert.equal((await far.recvAsync()).length, 0);
    far.close();
  });

  test(`adopt makes a listener of a listening socket, and its connections have their addresses (${poller})`, async (t) => {
    const provider = makeProvider(t, { poller });
    const taken = listener(provider, openListener().detach(), TAKE);
    const accepted = recordListener(t, taken);
    const client = await provider.connect(whereIs(taken));
    const server = await accepted.stream();
    assert.deepEqual(server.remote, client.local);
    assert.deepEqual(server.local, taken.local);
    server.write(asciiBytes('hello'));
    await record(t, client).untilBytes(5);
  });
}

test('adopt knows TCP over IPv6, and its options', async (t) => {
  const provider = makeProvider(t);
  if (!provider.capabilities.has('ipv6')) {
    t.skip('no IPv6');
    return;
  }
  const made = await provider.listen({ host: '::1' });
  const raw = Socket.socket('AF_INET6', 'SOCK_STREAM');
  await raw.connectAsync({ family: 'ipv6', host: '::1', port: portOf(made) });
  const port = raw.localAddress();
  const taken = stream(provider, raw.detach(), { ...TAKE, options: { noDelay: true } });
  assert.deepEqual(taken.local, port);
  assert.equal(taken.get('noDelay'), true);
  assert.equal(portOf({ local: taken.remote }), portOf(made));
});

/** `undefined` where the system, or this user, has no such thing. */
function tryTo<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (!isSocketError(error) || !NOT_HERE.includes(error.code)) throw error;
    return undefined;
  }
}

const NOT_HERE: readonly string[] = ['EACCES', 'EAFNOSUPPORT', 'EPERM', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'];

test('adopt takes a listener of multipath TCP, as other programs have, and its connections', async (t) => {
  const provider = makeProvider(t);
  const raw = tryTo(() => Socket.socket('AF_INET', 'SOCK_STREAM', 'IPPROTO_MPTCP'));
  if (raw === undefined) {
    t.skip('no MPTCP here');
    return;
  }
  raw.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  raw.listen();
  const taken = listener(provider, raw.detach(), { ...TAKE, options: { noDelay: true } });
  const accepted = recordListener(t, taken);
  const client = await provider.connect(whereIs(taken));
  const server = await accepted.stream();
  assert.equal(server.get('noDelay'), true);
  server.write(asciiBytes('hello'));
  await record(t, client).untilBytes(5);
});

test('a borrowed descriptor stays its owner’s when the stream has closed', async (t) => {
  const provider = makeProvider(t);
  const [near, far] = Socket.pair();
  const borrowed = stream(provider, near.fd, BORROW);
  assert.notEqual(provider.descriptor(borrowed), near.fd);
  await borrowed.close();
  far.send(asciiBytes('still'));
  assert.equal(Buffer.from(await near.recvAsync()).toString(), 'still');
  near.close();
  far.close();
});

interface Bad {
  readonly what: string;
  readonly code: string;
  /** The descriptor, and what closes it again. */
  readonly open: () => readonly [fd: number, close: () => void];
}

const socketOf = (made: Socket): readonly [number, () => void] => [
  made.fd,
  (): void => {
    made.close();
  },
];

const BAD: readonly Bad[] = [
  {
    what: 'a file',
    code: 'ENOTSOCK',
    open: () => {
      const fd = openSync('/dev/null', 'r');
      return [
        fd,
        (): void => {
          closeSync(fd);
        },
      ];
    },
  },
  {
    what: 'a closed descriptor',
    code: 'EBADF',
    open: () => {
      const fd = openSync('/dev/null', 'r');
      closeSync(fd);
      return [fd, (): void => undefined];
    },
  },
  {
    what: 'a socket that is not connected',
    code: 'ENOTCONN',
    open: () => socketOf(Socket.socket('AF_INET', 'SOCK_STREAM')),
  },
  {
    what: 'a socket of packets that is neither connected nor listening',
    code: 'ENOTCONN',
    open: () => socketOf(Socket.socket('AF_UNIX', 'SOCK_SEQPACKET')),
  },
  {
    what: 'a raw netlink socket',
    code: 'ESOCKTNOSUPPORT',
    open: () => socketOf(Socket.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE')),
  },
  {
    what: 'a netlink socket of datagrams',
    code: 'EAFNOSUPPORT',
    open: () => socketOf(Socket.socket('AF_NETLINK', 'SOCK_DGRAM', 'NETLINK_ROUTE')),
  },
  {
    what: 'a socket to virtual machines',
    code: 'EAFNOSUPPORT',
    open: () => socketOf(Socket.socket('AF_VSOCK', 'SOCK_STREAM')),
  },
  {
    what: 'a socket of ICMP',
    code: 'EPROTONOSUPPORT',
    open: () => socketOf(Socket.socket('AF_INET', 'SOCK_DGRAM', 'IPPROTO_ICMP')),
  },
  {
    what: 'a UDP-Lite socket',
    code: 'EPROTONOSUPPORT',
    open: () => socketOf(Socket.socket('AF_INET', 'SOCK_DGRAM', 'IPPROTO_UDPLITE')),
  },
  {
    what: 'a raw socket',
    code: 'ESOCKTNOSUPPORT',
    open: () => socketOf(Socket.socket('AF_INET', 'SOCK_RAW', 'IPPROTO_ICMP')),
  },
];

for (const { what, code, open } of BAD)
  for (const options of [TAKE, BORROW])
    test(`adopt refuses ${what} with ${code}, and leaves it to its owner (${options.ownership}, F54)`, (t) => {
      const provider = makeProvider(t);
      const opened = tryTo(open);
      if (opened === undefined) {
        t.skip('there are no such sockets here');
        return;
      }
      const [fd, close] = opened;
      assert.throws(() => provider.adopt(fd, options), {
        name: 'SystemError',
        code,
        message: new RegExp(`^adopt: descriptor ${String(fd)} .*\\(${code}\\)$`),
      });
      if (code !== 'EBADF') assert.ok(fstatSync(fd));
      assert.deepEqual([...provider.sockets()], []);
      close();
    });

test('adopt refuses a descriptor that it owns already, and lends a duplicate of it (F54)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const fd = provider.descriptor(client) ?? -1;
  assert.throws(() => provider.adopt(fd, TAKE), { code: 'EEXIST' });
  const second = stream(provider, fd, BORROW);
  await second.close();
  const got = record(t, client);
  server.write(asciiBytes('unhurt'));
  await got.untilBytes(6);
});

test('adopt gives a descriptor back whose options cannot be set', async (t) => {
  const provider = makeProvider(t);
  for (const options of [TAKE, BORROW]) {
    const [near, far] = Socket.pair();
    assert.throws(() => provider.adopt(near.fd, { ...options, options: { noDelay: true } }), {
      code: 'ERR_UNSUPPORTED',
    });
    near.send(asciiBytes('mine'));
    assert.equal(Buffer.from(await far.recvAsync()).toString(), 'mine');
    near.close();
    far.close();
  }
  assert.deepEqual([...provider.sockets()], []);
});

test('adopt refuses arguments that cannot be', (t) => {
  const provider = makeProvider(t);
  for (const fd of [-1, 1.5, NaN, 2 ** 31]) assert.throws(() => provider.adopt(fd, TAKE), RangeError);
  for (const fd of ['3', null, undefined, 3n])
    assert.throws(() => provider.adopt(fd as never, TAKE), TypeError);
  for (const options of [undefined, null, {}, { ownership: 1 }])
    assert.throws(() => provider.adopt(0, options as never), TypeError);
  assert.throws(() => provider.adopt(0, { ownership: 'steal' as never }), RangeError);
  assert.throws(() => provider.adopt(0, { ...TAKE, highWaterMark: -1 }), RangeError);
});

test('adopt and descriptor of a closed provider', async () => {
  const provider = localProvider();
  const made = await provider.listen({});
  await provider.close();
  assert.throws(() => provider.adopt(0, TAKE), { code: 'ERR_SOCKET_CLOSED' });
  assert.throws(() => provider.descriptor(made), { code: 'ERR_SOCKET_CLOSED' });
});

test('descriptor knows only the sockets of its own provider', async (t) => {
  const provider = makeProvider(t);
  const other = localProvider();
  const made = await other.listen({});
  assert.equal(provider.descriptor(made), undefined);
  assert.equal(typeof other.descriptor(made), 'number');
  await other.close();
});

test('closing an adopted listener leaves its file (no unlink on close)', async (t) => {
  const provider = makeProvider(t);
  const path = tempPath();
  const raw = Socket.socket('AF_UNIX', 'SOCK_STREAM');
  raw.bind({ family: 'unix', path });
  raw.listen();
  await listener(provider, raw.detach(), TAKE).close();
  assert.ok(existsSync(path));
});

test('a descriptor that somebody closes behind an adopted stream hurts nobody else (F53)', async (t) => {
  const provider = makeProvider(t);
  const [near, far] = Socket.pair();
  const fd = near.detach();
  const taken = stream(provider, fd, TAKE);
  closeSync(fd);
  const { client, server } = await connected(t, provider);
  const got = record(t, client);
  server.write(asciiBytes('alive'));
  await got.untilBytes(5);
  taken.abort();
  far.close();
});
