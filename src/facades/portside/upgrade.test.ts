/** What upgrading is to a connection, over streams whose handshake the test plays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { BusyError, ClosedError, TlsError } from '../../base/errors.ts';
import type { Stream, UpgradeOptions } from '../../base/provider.ts';
import type { Portside } from '../../doors/portside.ts';
import { createPortside } from '../../doors/portside.ts';
import type { Deferred } from '../../testing/deferred.ts';
import { deferred } from '../../testing/deferred.ts';
import type { Pair, World } from './test-kit.ts';
import { pair, text, world } from './test-kit.ts';

/** A handshake that the test ends. */
interface Handshake {
  readonly options: UpgradeOptions;
  readonly result: Deferred<undefined>;
}

interface TlsWorld extends World {
  readonly handshakes: Handshake[];
}

/** A stream with some members of its own in front of another's. */
function over(stream: Stream, own: Partial<Stream>): Stream {
  return new Proxy(stream, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in own ? own : target, key);
      return typeof value === 'function' && !(key in own) ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

/** The stream as it is after a handshake, or after one that failed for good. */
function givenAway(stream: Stream): Partial<Stream> {
  const refuse = (): never => {
    throw new ClosedError();
  };
  return { pause: refuse, resume: refuse, write: refuse, start: refuse, abort: () => stream.id };
}

/** The stream after its handshake: nothing is told before it is started. */
function protectedOver(stream: Stream, role: 'client' | 'server'): Stream {
  return over(stream, {
    tls: { role } as unknown as NonNullable<Stream['tls']>,
    isPaused: false,
    start: (sink, options) => {
      stream.start(sink, options);
      stream.resume();
    },
  });
}

function upgradable(stream: Stream, handshakes: Handshake[]): Stream {
  const own: Partial<Stream> = {
    upgrade: async (options) => {
      if (Reflect.get(options, 'servername') === 'bad argument') throw new TypeError('servername');
      const result = deferred<undefined>();
      handshakes.push({ options, result });
      const { signal } = options;
      signal?.addEventListener('abort', () => {
        result.reject(signal.reason);
      });
      try {
        await result.promise;
      } catch (error) {
        Object.assign(own, givenAway(stream));
        stream.abort();
        throw error;
      }
      Object.assign(own, givenAway(stream));
      return protectedOver(stream, options.role ?? 'client');
    },
  };
  return over(stream, own);
}

function tlsWorld(t: TestContext): TlsWorld {
  const base = world(t, { bufferSize: 1000 });
  const handshakes: Handshake[] = [];
  const { provider } = base;
  const tlsProvider = new Proxy(provider, {
    get: (target, key) => {
      if (key === 'capabilities') return new Set([...target.capabilities, 'tls']);
      if (key === 'connect')
        return async (options: never) => upgradable(await target.connect(options), handshakes);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const front: Portside = createPortside({ provider: tlsProvider, clock: base.clock });
  return { ...base, front, handshakes };
}

async function begun(t: TestContext): Promise<TlsWorld & Pair> {
  const made = tlsWorld(t);
  return { ...made, ...(await pair(made.front)) };
}

test('upgrade answers a new connection with the same id, and the old one refuses calls', async (t) => {
  const { front, client, peer, provider, handshakes } = await begun(t);
  const { id } = client;
  const upgrading = front.upgrade(client, { servername: 'example.test' });
  await assert.rejects(client.read(), BusyError);
  await assert.rejects(client.write('x'), BusyError);
  await provider.idle();
  assert.equal(Reflect.get(handshakes[0]?.options ?? {}, 'servername'), 'example.test');
  handshakes[0]?.result.resolve(undefined);
  const secure = await upgrading;
  assert.equal(secure.id, id);
  assert.equal(secure.tls?.role, 'client');
  assert.equal(front.sockets().filter((row) => row.id === id).length, 1);
  await assert.rejects(client.read(), ClosedError);
  await assert.rejects(client.write('x'), ClosedError);
  await secure.write('secret');
  assert.equal(text(await peer.readExactly(6)), 'secret');
  await peer.write('answer');
  assert.equal(text(await secure.read()), 'answer');
  await assert.rejects(secure.upgrade(), { name: 'UnsupportedError' });
  await client.close();
  assert.equal(await peer.read(), null);
});

test('upgrade hands over what was read ahead, before the head that the caller has', async (t) => {
  const { client, peer, provider, handshakes } = await begun(t);
  await peer.write('220 ready\r\nhello');
  assert.equal(text(await client.readUntil('\r\n')), '220 ready\r\n');
  const upgrading = client.upgrade({ head: new TextEncoder().encode('!') });
  await provider.idle();
  assert.equal(text(handshakes[0]?.options.head ?? null), 'hello!');
  handshakes[0]?.result.resolve(undefined);
  const secure = await upgrading;
  await peer.write('x');
  assert.equal(text(await secure.read()), 'x');
});

test('upgrade sends what was written before, and does not begin until it is sent', async (t) => {
  const { client, peer, provider, handshakes } = await begun(t);
  await client.write(new Uint8Array(10_000));
  const upgrading = client.upgrade();
  await provider.idle();
  assert.equal(handshakes.length, 0);
  await peer.readExactly(10_000);
  await provider.idle();
  assert.equal(handshakes.length, 1);
  handshakes[0]?.result.resolve(undefined);
  await upgrading;
});

test('upgrade is refused while a read or a write waits, and nothing has changed', async (t) => {
  const { client, peer, handshakes } = await begun(t);
  const reading = client.read();
  await assert.rejects(client.upgrade(), { name: 'BusyError', op: 'upgrade' });
  await peer.write('x');
  await reading;
  const writing = client.write(new Uint8Array(100_000));
  await assert.rejects(client.upgrade(), BusyError);
  await Promise.all([writing, peer.readExactly(100_000)]);
  assert.equal(handshakes.length, 0);
});

test('upgrade that fails closes the connection', async (t) => {
  const { client, peer, provider, handshakes, front } = await begun(t);
  const failing = assert.rejects(client.upgrade(), TlsError);
  await provider.idle();
  handshakes[0]?.result.reject(new TlsError('version', 'ERR_SSL_WRONG_VERSION_NUMBER', 'wrong version'));
  await failing;
  await assert.rejects(client.read(), ClosedError);
  await assert.rejects(peer.read());
  await client.close();
  assert.equal(
    front.sockets().some(({ id }) => id === client.id),
    false,
  );
});

test('upgrade with an argument that cannot be changes nothing, and loses nothing that was read ahead', async (t) => {
  const { client, peer } = await begun(t);
  await peer.write('ab');
  assert.equal(text(await client.read(1)), 'a');
  await assert.rejects(client.upgrade({ servername: 'bad argument' }), TypeError);
  await assert.rejects(client.upgrade({ timeout: -1 }), RangeError);
  await peer.write('c');
  await peer.closeWrite();
  assert.equal(text(await client.readExactly(2)), 'bc');
  assert.equal(await client.read(), null);
  await assert.rejects(client.upgrade({ servername: 'bad argument' }), TypeError);
  assert.equal(await client.read(), null);
  await client.write('still open');
  assert.equal(text(await peer.read()), 'still open');
});

test('upgrade of a connection that was never read can fail, and it is read afterwards', async (t) => {
  const { client, peer } = await begun(t);
  await assert.rejects(client.upgrade({ servername: 'bad argument' }), TypeError);
  await peer.write('x');
  assert.equal(text(await client.read()), 'x');
});

test('upgrade is given up by its signal, and by abort of the connection', async (t) => {
  for (const how of ['signal', 'abort'] as const) {
    const { client, peer, provider } = await begun(t);
    const controller = new AbortController();
    const reason = new Error('enough');
    const upgrading = client.upgrade({ signal: controller.signal });
    const failed =
      how === 'signal' ? assert.rejects(upgrading, reason) : assert.rejects(upgrading, ClosedError);
    await provider.idle();
    if (how === 'signal') controller.abort(reason);
    else client.abort();
    await failed;
    await assert.rejects(peer.read());
  }
});

test('upgrade counts the time of sending against its timeout', async (t) => {
  const { client, peer, provider, clock, handshakes } = await begun(t);
  await client.write(new Uint8Array(10_000));
  const upgrading = client.upgrade({ timeout: 100 });
  await provider.idle();
  // A real clock tells parts of milliseconds, which are no timeout.
  clock.advance(59.25);
  await peer.readExactly(10_000);
  await provider.idle();
  assert.equal(handshakes[0]?.options.timeout, 41);
  handshakes[0].result.resolve(undefined);
  await upgrading;
  const other = await begun(t);
  await other.client.write(new Uint8Array(10_000));
  const late = assert.rejects(other.client.upgrade({ timeout: 100 }), { code: 'ETIMEDOUT' });
  await other.provider.idle();
  other.clock.advance(100);
  await late;
  // What was written is still on its way, and the connection is as it was.
  await other.peer.readExactly(10_000);
  await other.client.write('on');
  assert.equal(text(await other.peer.read()), 'on');
});
