import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from '../base/address.ts';
import type { Datagram, OutgoingDatagram } from '../base/datagram.ts';
import { DeniedError } from '../base/errors.ts';
import { MAX_REMEMBERED } from './destinations.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import { allowAll, rulesPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import type { SocketRequest } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';

interface Spy {
  readonly inner: Datagram;
  /** What reached the socket: the names of calls and their arguments. */
  readonly calls: (readonly [name: string, ...args: unknown[]])[];
}

const LOCAL: SocketAddress = { family: 'ipv4', host: '127.0.0.1', port: 5000 };

/** A socket that only writes down what reaches it. */
function spy(more: Partial<Record<keyof Datagram, unknown>> = {}): Spy {
  const calls: Spy['calls'] = [];
  const values: Readonly<Record<string, unknown>> = {
    ...{ id: 7, transport: 'udp', type: 'datagram', local: LOCAL, remote: undefined, bytesRead: 1 },
    ...{ bytesWritten: 2, bufferedAmount: 3, isPaused: false, received: 4, sent: 5, drops: 6, tag: 'mine' },
    ...more,
  };
  const inner = new Proxy(values, {
    get: (target, key): unknown =>
      key in target
        ? Reflect.get(target, key)
        : (...args: unknown[]): unknown => {
            calls.push([String(key), ...args]);
            return key;
          },
  });
  return { inner: inner as unknown as Datagram, calls };
}

function recorder(): { policy: Policy; asked: SocketRequest[] } {
  const asked: SocketRequest[] = [];
  const policy: Policy = (request) => {
    asked.push(request);
    return { allowed: true };
  };
  return { asked, policy };
}

const only = (...rules: readonly string[]): Policy => rulesPolicy(rules.map(parseSocketRule));
const BYTES = Uint8Array.of(1, 2, 3);
const to = (host: string, port = 53): OutgoingDatagram => {
  const family = host.includes(':') ? 'ipv6' : 'ipv4';
  return { bytes: BYTES, to: { family, host, port } };
};
const sentTo = ({ calls }: Spy): unknown[] =>
  calls.flatMap(([, messages]) => [messages].flat()).map((message) => (message as OutgoingDatagram).to);

test('GuardedDatagram send asks for each destination, once', () => {
  const socket = spy();
  const { policy, asked } = recorder();
  const guarded = new GuardedDatagram(socket.inner, policy);
  for (const each of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1', '2001:db8::1'])
    guarded.send(to(each));
  guarded.send(to('192.0.2.1', 54));
  assert.deepEqual(
    asked.map(({ op, host, port }) => [op, host, port]),
    [
      ['udp-send-to', '192.0.2.1', 53],
      ['udp-send-to', '192.0.2.2', 53],
      ['udp-send-to', '2001:db8::1', 53],
      ['udp-send-to', '192.0.2.1', 54],
    ],
  );
  assert.equal(socket.calls.length, 6);
});

test('GuardedDatagram send hands on all of a message, and done', () => {
  const socket = spy();
  const done = (): void => undefined;
  const message: OutgoingDatagram = {
    ...to('192.0.2.1'),
    from: { family: 'ipv4', host: '127.0.0.1' },
    interfaceIndex: 1,
    ttl: 9,
    trafficClass: 4,
  };
  new GuardedDatagram(socket.inner, allowAll).send(message, done);
  assert.deepEqual(socket.calls, [['send', message, done]]);
  assert.equal((socket.calls[0]?.[1] as OutgoingDatagram).bytes, BYTES, 'the bytes are not copied');
});

test('GuardedDatagram send throws DeniedError and sends nothing', () => {
  const socket = spy();
  const guarded = new GuardedDatagram(socket.inner, only('udp-send-to:192.0.2.1:53'));
  for (const bad of [to('192.0.2.2'), to('192.0.2.1', 54), to('::ffff:192.0.2.1'), to('0.0.0.0')])
    assert.throws(() => guarded.send(bad), DeniedError);
  assert.throws(() => guarded.send(to('192.0.2.2')), {
    code: 'ERR_DENIED',
    op: 'send',
    request: { op: 'udp-send-to', host: '192.0.2.2', port: 53 },
    message: 'send: udp-send-to 192.0.2.2:53 is not permitted (ERR_DENIED)',
  });
  assert.deepEqual(socket.calls, []);
  guarded.send(to('192.0.2.1'));
  assert.equal(socket.calls.length, 1);
});

test('GuardedDatagram asks again where the answer was no', () => {
  const socket = spy();
  let allowed = false;
  const guarded = new GuardedDatagram(socket.inner, () => ({ allowed }));
  assert.throws(() => guarded.send(to('192.0.2.1')), DeniedError);
  allowed = true;
  guarded.send(to('192.0.2.1'));
  assert.equal(socket.calls.length, 1);
});

test('GuardedDatagram sendMany takes nothing if one destination is denied, wherever it stands', () => {
  const socket = spy();
  const guarded = new GuardedDatagram(socket.inner, only('udp-send-to:192.0.2.1:*'));
  const good = Array.from({ length: 5 }, (_, i) => to('192.0.2.1', 50 + i));
  for (const at of [0, 2, 5])
    assert.throws(() => guarded.sendMany(good.toSpliced(at, 0, to('192.0.2.2'))), DeniedError);
  assert.deepEqual(socket.calls, []);
  guarded.sendMany(good);
  assert.deepEqual(socket.calls.length, 1);
  assert.deepEqual(
    sentTo(socket),
    good.map((message) => message.to),
  );
});

test('GuardedDatagram remembers a bounded number of destinations', () => {
  const socket = spy();
  const { policy, asked } = recorder();
  const guarded = new GuardedDatagram(socket.inner, policy);
  const all = Array.from({ length: MAX_REMEMBERED + 1 }, (_, i) => to('192.0.2.1', i + 1));
  for (const each of all) guarded.send(each);
  assert.equal(asked.length, MAX_REMEMBERED + 1);
  guarded.send(to('192.0.2.1', 2));
  assert.equal(asked.length, MAX_REMEMBERED + 1, 'still known');
  guarded.send(to('192.0.2.1', 1));
  assert.equal(asked.length, MAX_REMEMBERED + 2, 'the oldest was forgotten');
});

test('GuardedDatagram sends to what it judged, whatever the caller changes (F48)', () => {
  const socket = spy();
  const guarded = new GuardedDatagram(socket.inner, only('udp-send-to:192.0.2.1:53'));
  let reads = 0;
  const shifty = {
    family: 'ipv4' as const,
    port: 53,
    get host() {
      return ++reads === 1 ? '192.0.2.1' : '192.0.2.66';
    },
  };
  guarded.send({ bytes: BYTES, to: shifty });
  let destinations = 0;
  const message = {
    bytes: BYTES,
    get to() {
      return ++destinations === 1 ? to('192.0.2.1').to : to('192.0.2.66').to;
    },
  };
  guarded.sendMany([message]);
  const own = { family: 'ipv4', host: '192.0.2.1', port: 53 };
  assert.deepEqual(sentTo(socket), [own, own]);
  const kept = sentTo(socket)[0] as { host: string };
  assert.throws(() => {
    kept.host = '192.0.2.66';
  }, TypeError);
  // A destination that is nothing at first, and something later.
  let late = 0;
  guarded.send({
    bytes: BYTES,
    get to() {
      return ++late === 1 ? undefined : to('192.0.2.66').to;
    },
  });
  assert.equal(sentTo(socket)[2], undefined);
});

const NO_DESTINATIONS: readonly (readonly [string, unknown])[] = [
  ['a loose number', { family: 'ipv4', host: '127.1', port: 53 }],
  ['a name', { family: 'ipv4', host: 'localhost', port: 53 }],
  ['a port of 0', { family: 'ipv4', host: '192.0.2.1', port: 0 }],
  ['a port that is text', { family: 'ipv4', host: '192.0.2.1', port: '53' }],
  ['another family', { family: 'ipv6', host: '192.0.2.1', port: 53 }],
  ['a symbol as host', { family: 'ipv4', host: Symbol('x'), port: 53 }],
  ['a path', { family: 'unix', path: '/run/x' }],
  ['an object of nothing', {}],
];
for (const [what, bad] of NO_DESTINATIONS) {
  test(`GuardedDatagram refuses ${what}, and asks nobody`, () => {
    const socket = spy();
    const { policy, asked } = recorder();
    const guarded = new GuardedDatagram(socket.inner, policy);
    const message = { bytes: BYTES, to: bad } as OutgoingDatagram;
    for (const call of [() => guarded.send(message), () => guarded.sendMany([message])])
      assert.throws(call, (error) => error instanceof TypeError || error instanceof RangeError);
    assert.deepEqual([socket.calls, asked], [[], []]);
  });
}

test('GuardedDatagram leaves it to the socket to refuse what is no message', () => {
  const socket = spy();
  const guarded = new GuardedDatagram(socket.inner, rulesPolicy([]));
  const odd = [
    null,
    undefined,
    1,
    'text',
    { bytes: BYTES },
    { bytes: BYTES, to: null },
    { bytes: BYTES, to: '::1' },
  ];
  for (const each of odd) guarded.send(each as OutgoingDatagram);
  guarded.sendMany('text' as never);
  assert.deepEqual(
    socket.calls.map(([name]) => name),
    [...odd.map(() => 'send'), 'sendMany'],
  );
});

test('GuardedDatagram judges no message of a connected socket, which takes no destination', () => {
  const socket = spy({ remote: { family: 'ipv4', host: '192.0.2.1', port: 53 } });
  const guarded = new GuardedDatagram(socket.inner, rulesPolicy([]));
  const message = { bytes: BYTES };
  guarded.send(message);
  assert.equal(socket.calls[0]?.[1], message);
});

test('GuardedDatagram asks for destinations of Unix sockets as unix-connect', () => {
  const socket = spy({ transport: 'unix', local: { family: 'unix', path: '' } });
  const { policy, asked } = recorder();
  const guarded = new GuardedDatagram(socket.inner, policy);
  const bytes = Uint8Array.of(0, 97);
  for (const path of ['/run/x', '/run/x', bytes, bytes])
    guarded.send({ bytes: BYTES, to: { family: 'unix', path } });
  assert.deepEqual(
    asked.map(({ op, host, port }) => [op, host, port]),
    [
      ['unix-connect', '/run/x', 0],
      ['unix-connect', '\0a', 0],
      ['unix-connect', '\0a', 0],
    ],
  );
  const third = sentTo(socket)[2] as { path: Uint8Array };
  assert.deepEqual(third.path, bytes);
  assert.notEqual(third.path, bytes, 'nobody else can change it');
});

test('GuardedDatagram join asks, and joins what was judged', () => {
  const socket = spy();
  const { policy, asked } = recorder();
  const guarded = new GuardedDatagram(socket.inner, policy);
  const group = { family: 'ipv4', host: '239.1.2.3' } as const;
  guarded.join({ group, interfaceIndex: 1 });
  assert.deepEqual(asked, [{ op: 'udp-multicast-membership', host: '239.1.2.3', port: 0 }]);
  const given = socket.calls[0]?.[1] as { group: unknown; interfaceIndex: unknown };
  assert.deepEqual([given.group, given.interfaceIndex], [group, 1]);
  const denied = new GuardedDatagram(socket.inner, only('udp-send-to:*:*'));
  assert.throws(
    () => {
      denied.join({ group });
    },
    { code: 'ERR_DENIED', op: 'join' },
  );
  assert.throws(() => {
    guarded.join({} as never);
  }, TypeError);
  assert.equal(socket.calls.length, 1);
  new GuardedDatagram(socket.inner, only('udp-multicast-membership')).join({ group });
  assert.equal(socket.calls.length, 2);
});

test('GuardedDatagram passes everything else through', async () => {
  const socket = spy({ close: () => Promise.resolve() });
  const guarded = new GuardedDatagram(socket.inner, rulesPolicy([]));
  const { id, transport, type, local, remote, bytesRead, bytesWritten } = guarded;
  const { bufferedAmount, isPaused, received, sent, drops, tag } = guarded;
  assert.deepEqual(
    [
      id,
      transport,
      type,
      local,
      remote,
      bytesRead,
      bytesWritten,
      bufferedAmount,
      isPaused,
      received,
      sent,
      drops,
      tag,
    ],
    [7, 'udp', 'datagram', LOCAL, undefined, 1, 2, 3, false, 4, 5, 6, 'mine'],
  );
  guarded.tag = { note: 1 };
  assert.deepEqual(socket.inner.tag, { note: 1 });
  guarded.tag = undefined;
  assert.equal('tag' in socket.inner, false);
  const sink = { receive: () => undefined, close: () => undefined };
  const group = { group: { family: 'ipv4', host: '239.1.2.3' } } as const;
  guarded.start(sink, { maxSize: 9 });
  guarded.pause();
  guarded.resume();
  guarded.set('ttl', 3);
  guarded.get('ttl');
  guarded.ref();
  guarded.unref();
  guarded.leave(group);
  guarded.memberships();
  guarded.abort();
  assert.deepEqual(socket.calls, [
    ['start', sink, { maxSize: 9 }],
    ['pause'],
    ['resume'],
    ['set', 'ttl', 3],
    ['get', 'ttl'],
    ['ref'],
    ['unref'],
    ['leave', group],
    ['memberships'],
    ['abort'],
  ]);
  await guarded.close();
  await guarded[Symbol.asyncDispose]();
});
