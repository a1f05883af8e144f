/** Permissions that are taken back while sockets are open, before every provider. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { SocketError } from '../base/errors.ts';
import type { Listener, SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { certificates } from '../testing/node/certificates.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { acceptOne, connectOptions } from '../testing/pair-maker.ts';
import { Grants } from './grants.ts';
import { guard } from './guard.ts';
import { parseRules } from './native-dialect.ts';
import { spyProvider } from './test-kit.ts';

const PROVIDERS: readonly (readonly [string, () => SocketProvider])[] = [
  ['localProvider', () => localProvider()],
  ['portableProvider', () => portableProvider()],
  ['memoryProvider', () => memoryProvider()],
];

// What an engine opens once and keeps is no test's leak.
await localProvider().close();

/** All of it granted by a person, so that it can be taken back. */
async function granted(...texts: readonly string[]): Promise<Grants> {
  const rules = parseRules(texts);
  const grants = new Grants({
    asker: { id: 'app', name: 'App' },
    optional: rules,
    prompt: () => Promise.resolve('session'),
  });
  assert.equal(await grants.request(rules), true);
  return grants;
}

/** Starts a stream, and fulfils when it closes. */
function closed(stream: Stream): Promise<SocketError | null> {
  return new Promise((resolve) => {
    stream.start({ data: () => undefined, close: resolve });
  });
}

/** Starts a listener. */
function serve(listener: Listener): { next: () => Promise<Stream>; closed: Promise<SocketError | null> } {
  const streams: Stream[] = [];
  const waiting: ((stream: Stream) => void)[] = [];
  const ended = new Promise<SocketError | null>((close) => {
    listener.start({
      accept: (stream) => {
        const next = waiting.shift();
        if (next === undefined) streams.push(stream);
        else next(stream);
      },
      close,
    });
  });
  const next = (): Promise<Stream> => {
    const first = streams.shift();
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
  };
  return { next, closed: ended };
}

/** That a stream still carries bytes. */
async function echoes(from: Stream, to: Stream): Promise<void> {
  const arrived = new Promise<Uint8Array>((resolve) => {
    to.start({ data: resolve, close: () => undefined });
  });
  from.write(Uint8Array.of(7));
  assert.deepEqual([...(await arrived)], [7]);
}

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;
const LISTEN = 'tcp-listen:*:*';
const CONNECT = 'tcp-connect:127.0.0.0/8:*';

for (const [name, make] of PROVIDERS) {
  test(`${name} guarded with onRevoke close: streams whose permission is taken back are aborted (F71)`, async () => {
    const leaks = leakCheck();
    const grants = await granted(LISTEN, CONNECT, 'unix');
    const guarded = guard(make(), grants, { onRevoke: 'close' });
    const listener = await guarded.listen({});
    const { next } = serve(listener);
    const near = await guarded.connect(connectOptions(listener));
    const far = await next();
    await grants.remove(parseRules(['unix']));
    await echoes(near, far);
    const [atNear, atFar] = [closed(near), closed(far)];
    await grants.remove(parseRules([CONNECT]));
    assert.equal(await atNear, null);
    assert.notEqual(await atFar, null, 'the peer sees a reset');
    await assert.rejects(guarded.connect(connectOptions(listener)), { code: 'ERR_DENIED' });
    assert.equal([...guarded.sockets()].length, 1, 'the listener stays');
    await guarded.close();
    leaks.check();
  });

  test(`${name} guarded with onRevoke close: a listener goes, and what it has accepted (F71)`, async () => {
    const leaks = leakCheck();
    const grants = await granted(LISTEN, CONNECT);
    const inner = make();
    const guarded = guard(inner, grants, { onRevoke: 'close' });
    const listener = await guarded.listen({});
    const { next, closed: atListener } = serve(listener);
    const peers = [
      await inner.connect(connectOptions(listener)),
      await inner.connect(connectOptions(listener)),
    ];
    const accepted = [await next(), await next()];
    const ends = [...accepted, ...peers].map(closed);
    await grants.remove(parseRules([LISTEN]));
    assert.equal(await atListener, null);
    const [first, second, ...others] = await Promise.all(ends);
    assert.deepEqual([first, second], [null, null]);
    assert.ok(others.every((error) => error !== null));
    await assert.rejects(guarded.listen({}), { code: 'ERR_DENIED' });
    assert.deepEqual([...guarded.sockets()], []);
    await guarded.close();
    leaks.check();
  });

  test(`${name} guarded with onRevoke keep: what is open stays open (F71)`, async () => {
    const leaks = leakCheck();
    const grants = await granted(LISTEN, CONNECT);
    const guarded = guard(make(), grants, { onRevoke: 'keep' });
    const listener = await guarded.listen({});
    const { next } = serve(listener);
    const near = await guarded.connect(connectOptions(listener));
    const far = await next();
    await grants.remove(parseRules([LISTEN, CONNECT]));
    await echoes(near, far);
    await assert.rejects(guarded.connect(connectOptions(listener)), { code: 'ERR_DENIED' });
    await assert.rejects(guarded.listen({}), { code: 'ERR_DENIED' });
    await guarded.close();
    leaks.check();
  });

  for (const onRevoke of ['keep', 'close'] as const) {
    test(`${name} guarded with onRevoke ${onRevoke}: no datagram is sent to what is denied by now (F71)`, async () => {
      const leaks = leakCheck();
      const grants = await granted('udp-bind:*:*', 'udp-send-to:127.0.0.0/8:*');
      const guarded = guard(make(), grants, { onRevoke });
      const socket = await guarded.bind({ host: '127.0.0.1' });
      const to = socket.local;
      assert.ok(to.family === 'ipv4');
      await new Promise((resolve) => socket.send({ bytes: Uint8Array.of(1), to }, resolve));
      await grants.remove(parseRules(['udp-send-to:127.0.0.0/8:*']));
      assert.throws(() => socket.send({ bytes: Uint8Array.of(2), to }), { code: 'ERR_DENIED' });
      assert.throws(() => socket.sendMany([{ bytes: Uint8Array.of(2), to }]), { code: 'ERR_DENIED' });
      assert.equal(socket.sent, 1);
      await guarded.close();
      leaks.check();
    });
  }

  test(`${name} guarded with onRevoke close: a connected datagram socket goes with its destination (F71)`, async () => {
    const leaks = leakCheck();
    const grants = await granted('udp-bind:*:*', 'udp-send-to:127.0.0.0/8:*');
    const guarded = guard(make(), grants, { onRevoke: 'close' });
    const socket = await guarded.bind({ host: '127.0.0.1', remote: { host: '127.0.0.1', port: 9 } });
    const end = new Promise((resolve) => {
      socket.start({ receive: () => undefined, close: resolve });
    });
    await grants.remove(parseRules(['udp-send-to:127.0.0.0/8:*']));
    assert.equal(await end, null);
    await guarded.close();
    leaks.check();
  });

  test(`${name} guarded with onRevoke close: what was allowed once is not taken back with other things`, async () => {
    const leaks = leakCheck();
    const grants = new Grants({
      asker: { id: 'app', name: 'App' },
      optional: parseRules([LISTEN, CONNECT, 'unix']),
      asksOnUse: true,
      prompt: ({ choices }) => Promise.resolve(choices.includes('once') ? 'once' : 'session'),
    });
    await grants.request(parseRules(['unix', LISTEN]));
    const guarded = guard(make(), grants, { onRevoke: 'close' });
    const listener = await guarded.listen({});
    const { next } = serve(listener);
    const near = await guarded.connect(connectOptions(listener));
    const far = await next();
    await grants.remove(parseRules(['unix']));
    await echoes(near, far);
    await guarded.close();
    leaks.check();
  });
}

for (const [name, make] of PROVIDERS.slice(0, 2)) {
  test(
    `${name} guarded with onRevoke close: streams that speak TLS by now are aborted (F71)`,
    { skip: HAS_OPENSSL ? false : 'there is no openssl' },
    async () => {
      const leaks = leakCheck();
      const { good, authority } = certificates();
      const grants = await granted(LISTEN, CONNECT);
      const guarded = guard(make(), grants, { onRevoke: 'close' });
      const listener = await guarded.listen({});
      const accepting = acceptOne(listener);
      const plain = await guarded.connect(connectOptions(listener));
      const [near, far] = await Promise.all([
        plain.upgrade({ ca: authority, servername: 'localhost' }),
        (await accepting).upgrade({ role: 'server', ...good }),
      ]);
      await echoes(near, far);
      const [atNear, atFar] = [closed(near), closed(far)];
      await grants.remove(parseRules([CONNECT]));
      assert.equal(await atNear, null);
      assert.notEqual(await atFar, null);
      await guarded.close();
      await leaks.settled();
    },
  );
}

test('guard with onRevoke close: a socket whose permission is taken back while it is made is aborted, and nobody gets it', async () => {
  const grants = await granted('tcp-connect:a.com:80', LISTEN);
  const { provider } = spyProvider();
  const aborted: number[] = [];
  let go: () => void = () => undefined;
  const isAsked = new Promise<void>((begun) => {
    provider.connect = async () => {
      const allowed = new Promise<void>((resolve) => {
        go = resolve;
      });
      begun();
      await allowed;
      return { id: 7, remote: { family: 'ipv4', host: '192.0.2.1', port: 80 } } as Stream;
    };
  });
  provider.abort = (id) => aborted.push(id) > 0;
  const guarded = guard(provider, grants, { onRevoke: 'close' });
  const connecting = guarded.connect({ host: 'a.com', port: 80 });
  await isAsked;
  await grants.remove(parseRules(['tcp-connect:a.com:80']));
  go();
  await assert.rejects(connecting, { code: 'ERR_DENIED' });
  assert.deepEqual(aborted, [7]);
});

test('guard with onRevoke close forgets sockets that have closed', async () => {
  const grants = await granted(LISTEN, CONNECT);
  const guarded = guard(memoryProvider(), grants, { onRevoke: 'close' });
  const listener = await guarded.listen({});
  const { next } = serve(listener);
  for (let i = 0; i < 200; i++) {
    const near = await guarded.connect(connectOptions(listener));
    const far = await next();
    await Promise.all([near.close(), far.close()]);
  }
  const last = await guarded.connect(connectOptions(listener));
  const end = closed(last);
  await grants.remove(parseRules([CONNECT]));
  assert.equal(await end, null);
  await guarded.close();
});
