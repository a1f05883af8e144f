/** `resolve` and `connect` of the engine with a name server that is the test's own (F63). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { IpAddress } from '../base/address.ts';
import { formatAddress } from '../base/address.ts';
import type { Listener, ResolveOptions } from '../base/provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Answer, Query } from '../testing/node/name-server.ts';
import { NameServer, USE_NAME_SERVER } from '../testing/node/name-server.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import { localProvider } from './local-provider.ts';

/** Of one thread of JavaScript, in the pool of names. */
const UNDER_WAY = 3;

const a = (...bytes: readonly number[]): Answer => ({ type: 'A', data: Uint8Array.from(bytes) });
const aaaa = (last: number): Answer => ({
  type: 'AAAA',
  data: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last),
});
const LOOPBACK6: Answer = {
  type: 'AAAA',
  data: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};

const textOf = (addresses: readonly IpAddress[]): string =>
  addresses.map((address) => formatAddress({ ...address, port: 0 }).replace(/:0$/, '')).join(' ');

const portOf = ({ local }: Listener): number => (local.family === 'unix' ? 0 : local.port);

if (inOwnNetwork(import.meta.url, USE_NAME_SERVER)) {
  let server: NameServer;
  const provider = localProvider();
  before(async () => {
    server = await NameServer.start();
  });
  after(async () => {
    await server.close();
    await provider.close();
  });

  const v4 = (more: ResolveOptions = {}): ResolveOptions => ({ family: 'ipv4', ...more });

  /** Answers what is asked for `name`, by the type of the question, and that there is no other name. */
  const serve = (name: string, ...records: readonly Answer[]): void => {
    server.answerAll((query) => {
      if (query.name === name) query.answer(records.filter(({ type }) => type === query.type));
      else query.answer([], 'nameError');
    });
  };

  /** The queries for a name that begins so, as many as are under way at once. */
  const queriesFor = async (beginning: string): Promise<readonly Query[]> => {
    const queries: Query[] = [];
    while (queries.length < UNDER_WAY) queries.push(await server.next(beginning));
    return queries;
  };

  test('resolve has the addresses of both families, or of the one that is wanted', async () => {
    serve('both.test', aaaa(1), aaaa(2), a(192, 0, 2, 1));
    const all = textOf(await provider.resolve('both.test')).split(' ');
    assert.deepEqual(all.toSorted(), ['192.0.2.1', '[2001:db8::1]', '[2001:db8::2]']);
    assert.equal(textOf(await provider.resolve('both.test', v4())), '192.0.2.1');
    const six = await provider.resolve('both.test', { family: 'ipv6' });
    assert.equal(textOf(six), '[2001:db8::1] [2001:db8::2]');
  });

  test('resolve has each address once, in the order of the server', async () => {
    serve('twice.test', ...[9, 3, 7, 3, 1, 9].map((last) => a(192, 0, 2, last)));
    assert.equal(textOf(await provider.resolve('twice.test')), '192.0.2.9 192.0.2.3 192.0.2.7 192.0.2.1');
  });

  test('resolve answers a thousand addresses', async () => {
    serve('many.test', ...Array.from({ length: 1000 }, (_, i) => a(127, 1, i >> 8, i & 255)));
    assert.equal(new Set((await provider.resolve('many.test', v4())).map(({ host }) => host)).size, 1000);
  });

  test('resolve tells kinds of no answer apart', async () => {
    serve('empty.test');
    await assert.rejects(provider.resolve('empty.test'), { name: 'ResolveError', code: 'EAI_NODATA' });
    await assert.rejects(provider.resolve('nobody.test'), { name: 'ResolveError', code: 'EAI_NONAME' });
    server.answerAll((query) => {
      query.answer([], 'serverFailure');
    });
    await assert.rejects(provider.resolve('broken.test'), { name: 'ResolveError', code: 'EAI_AGAIN' });
    server.hold();
  });

  test('resolve asks for a name in its form for the DNS, and for no number (F67)', async () => {
    const answer = provider.resolve('bücher.test', v4());
    const query = await server.next('xn--bcher-kva.test');
    query.answer([a(192, 0, 2, 6)]);
    assert.equal(textOf(await answer), '192.0.2.6');
    for (const host of ['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '127。0。0。1', '１２７.１'])
      await assert.rejects(provider.resolve(host), { code: 'EAI_NONAME', host });
    assert.equal(server.waiting(''), 0);
  });

  test('resolve has three look-ups under way, and one that is given up while it waits is never asked', async () => {
    const leaks = leakCheck();
    const reason = new Error('mine');
    const controller = new AbortController();
    const asked = ['one', 'two', 'three'].map((name) => provider.resolve(`held-${name}.test`, v4()));
    const queries = await queriesFor('held-');
    const dropped = Array.from({ length: 50 }, () =>
      provider.resolve('dropped.test', v4({ signal: controller.signal })),
    );
    const settled = Promise.allSettled(dropped);
    const last = provider.resolve('last.test', v4());
    controller.abort(reason);
    for (const each of await settled) assert.ok(each.status === 'rejected' && each.reason === reason);
    queries[0]?.answer([a(192, 0, 2, 1)]);
    const query = await server.next('last.');
    query.answer([a(192, 0, 2, 2)]);
    assert.equal(textOf(await last), '192.0.2.2');
    assert.equal(server.waiting('dropped.'), 0);
    queries[1]?.answer([a(192, 0, 2, 1)]);
    queries[2]?.answer([a(192, 0, 2, 1)]);
    assert.deepEqual((await Promise.all(asked)).map(textOf), ['192.0.2.1', '192.0.2.1', '192.0.2.1']);
    leaks.check();
  });

  test('resolve answers others while one name never has an answer', async () => {
    const dead = provider.resolve('dead.test', v4());
    const held = await server.next('dead.');
    for (const last of [1, 2, 3, 4]) {
      const found = provider.resolve(`alive-${String(last)}.test`, v4());
      (await server.next('alive-')).answer([a(192, 0, 2, last)]);
      assert.equal(textOf(await found), `192.0.2.${String(last)}`);
    }
    held.answer([], 'nameError');
    await assert.rejects(dead, { code: 'EAI_NONAME' });
  });

  test('resolve and connect end in time though the server is silent', async () => {
    const clock = new ManualClock();
    await using timed = localProvider({ clock });
    const resolved = timed.resolve('late-1.test', v4({ timeout: 5000 }));
    const connected = timed.connect({ host: 'late-2.test', port: 80, family: 'ipv4', timeout: 5000 });
    const queries = [await server.next('late-'), await server.next('late-')];
    clock.advance(5000);
    await assert.rejects(resolved, { name: 'SystemError', code: 'ETIMEDOUT', op: 'resolve' });
    await assert.rejects(connected, { name: 'ConnectError', code: 'ERR_CONNECT_FAILED' });
    assert.equal(clock.pending, 0);
    for (const query of queries) query.answer([], 'nameError');
  });

  test('close of a provider settles look-ups at once, and takes back those that wait', async () => {
    const own = localProvider();
    const all = Array.from({ length: UNDER_WAY + 5 }, () => own.resolve('closing.test', v4()));
    const settled = Promise.allSettled(all);
    const queries = await queriesFor('closing.');
    await own.close();
    for (const each of await settled)
      assert.ok(each.status === 'rejected' && (each.reason as { code: string }).code === 'ERR_SOCKET_CLOSED');
    for (const query of queries) query.answer([], 'nameError');
    serve('after.test', a(192, 0, 2, 1));
    assert.equal(textOf(await provider.resolve('after.test', v4())), '192.0.2.1');
    assert.equal(server.waiting('closing.'), 0);
    server.hold();
  });

  for (const [name, make] of [
    ['localProvider', localProvider],
    ['portableProvider', portableProvider],
  ] as const) {
    test(`${name} connects to the address of a name at which somebody listens`, async () => {
      const leaks = leakCheck();
      const own = make();
      const listener = await own.listen({ host: '127.0.0.9' });
      serve(`${name.toLowerCase()}.test`, LOOPBACK6, a(127, 0, 0, 8), a(127, 0, 0, 9));
      const stream = await own.connect({ host: `${name.toLowerCase()}.test`, port: portOf(listener) });
      assert.equal(formatAddress(stream.remote), `127.0.0.9:${String(portOf(listener))}`);
      server.hold();
      await own.close();
      leaks.check();
    });
  }
}
