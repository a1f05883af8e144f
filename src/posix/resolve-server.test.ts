/** `resolve` and `nameInfo` with a name server, which is the test's own (F63). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BusyError, ResolveError } from '../base/errors.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { Answer } from '../testing/node/name-server.ts';
import { NameServer, USE_NAME_SERVER } from '../testing/node/name-server.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import { nameInfo } from './name-info.ts';
import type { AddressInfo, ResolveHints } from './resolve.ts';
import { resolve, resolveSync } from './resolve.ts';

const STREAM: ResolveHints = { type: 'SOCK_STREAM' };
const V4: ResolveHints = { ...STREAM, family: 'AF_INET' };

/** Of one thread of JavaScript. */
const UNDER_WAY = 3;
const WAITING = 1024;

const a = (...bytes: readonly number[]): Answer => ({ type: 'A', data: Uint8Array.from(bytes) });
const aaaa = (last: number): Answer => ({
  type: 'AAAA',
  data: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last),
});

const hostsOf = (rows: readonly AddressInfo[]): string[] =>
  rows.map(({ address }) => ('host' in address ? address.host : address.family));

if (inOwnNetwork(import.meta.url, USE_NAME_SERVER)) {
  let server: NameServer;
  before(async () => {
    server = await NameServer.start();
  });
  after(async () => {
    await server.close();
  });

  /** Answers what is asked for `name`, by the type of the question. */
  const serve = (name: string, records: readonly Answer[], code?: 'nameError' | 'serverFailure'): void => {
    server.answerAll((query) => {
      if (query.name === name)
        query.answer(
          records.filter(({ type }) => type === query.type),
          code,
        );
      else query.answer([], 'nameError');
    });
  };

  test('resolve asks for both families, or for the one that is wanted', async () => {
    serve('both.test', [a(192, 0, 2, 1), aaaa(1)]);
    const rows = await resolve('both.test', { ...STREAM, service: 'http' });
    assert.deepEqual(hostsOf(rows).sort(), ['192.0.2.1', '2001:db8::1']);
    assert.deepEqual(hostsOf(await resolve('both.test', V4)), ['192.0.2.1']);
    assert.deepEqual(hostsOf(await resolve('both.test', { ...STREAM, family: 'AF_INET6' })), ['2001:db8::1']);
  });

  test('resolve keeps the order in which a server says equal addresses, and what it says twice', async () => {
    // To none of them is there a route, so the system has nothing by which to sort them.
    const addresses = [9, 3, 7, 3, 1].map((last) => a(192, 0, 2, last));
    serve('order.test', addresses);
    assert.deepEqual(hostsOf(await resolve('order.test', V4)), [
      ...['192.0.2.9', '192.0.2.3', '192.0.2.7', '192.0.2.3', '192.0.2.1'],
    ]);
  });

  test('resolve answers a thousand addresses', async () => {
    const addresses = Array.from({ length: 1000 }, (_, i) => a(127, 1, i >> 8, i & 255));
    serve('many.test', addresses);
    const hosts = hostsOf(await resolve('many.test', V4));
    assert.equal(hosts.length, 1000);
    assert.equal(new Set(hosts).size, 1000);
  });

  test('resolve follows an alias, and tells the canonical name', async () => {
    server.answerAll((query) => {
      query.answer([
        { type: 'CNAME', data: 'real.test' },
        { ...a(127, 0, 0, 5), name: 'real.test' },
      ]);
    });
    const [row] = await resolve('alias.test', { ...V4, flags: ['AI_CANONNAME'] });
    assert.deepEqual(row?.address, { family: 'ipv4', host: '127.0.0.5', port: 0 });
    assert.equal(row.canonicalName, 'real.test');
  });

  test('resolve tells kinds of no answer apart', async () => {
    const fails = (name: string, code: string): Promise<void> =>
      assert.rejects(resolve(name, V4), (error: unknown) => {
        assert.ok(error instanceof ResolveError);
        assert.deepEqual([error.code, error.host, error.cause], [code, name, undefined]);
        return true;
      });
    serve('empty.test', []);
    await fails('empty.test', 'EAI_NODATA');
    await fails('nobody.test', 'EAI_NONAME');
    serve('broken.test', [], 'serverFailure');
    await fails('broken.test', 'EAI_AGAIN');
    await fails(`${'a'.repeat(64)}.test`, 'EAI_NONAME');
    await fails(`${'abcdefgh.'.repeat(28)}abc`, 'EAI_NONAME');
    server.hold();
  });

  test('resolve encodes names for DNS with AI_IDN, and sends them as UTF-8 without', async () => {
    const answer = resolve('b\u00fccher.test', { ...V4, flags: ['AI_IDN', 'AI_CANONNAME', 'AI_CANONIDN'] });
    const query = await server.next('xn--bcher-kva.test');
    query.answer([a(127, 0, 0, 6)]);
    const [row] = await answer;
    assert.equal(row?.canonicalName, 'b\u00fccher.test');
    await assert.rejects(resolve('b\u00fccher.test', V4), { code: 'EAI_NONAME' });
  });

  test('resolve rejects at once when its signal aborts, though the server never answers', async () => {
    const leaks = leakCheck();
    const controller = new AbortController();
    const reason = new Error('mine');
    const pending = Array.from({ length: 10 }, () =>
      resolve('dead.test', { ...V4, signal: controller.signal }),
    );
    const settled = Promise.allSettled(pending);
    const queries = [await server.next('dead.'), await server.next('dead.'), await server.next('dead.')];
    controller.abort(reason);
    for (const each of await settled) assert.ok(each.status === 'rejected' && each.reason === reason);
    assert.ok(queries.every(({ isAnswered }) => !isAnswered));
    // Those that waited are never asked, and the others give their threads back when they end.
    serve('alive.test', [a(127, 0, 0, 7)]);
    assert.deepEqual(hostsOf(await resolve('alive.test', V4)), ['127.0.0.7']);
    assert.equal(server.waiting('dead.'), 0);
    server.hold();
    await leaks.settled();
  });

  test('one aborted lookup is no other one’s business', async () => {
    const controller = new AbortController();
    const aborted = resolve('mine.test', { ...V4, signal: controller.signal });
    const kept = resolve('yours.test', V4);
    await server.next('mine.');
    const query = await server.next('yours.');
    controller.abort();
    await assert.rejects(aborted, { name: 'AbortError' });
    query.answer([a(127, 0, 0, 8)]);
    assert.deepEqual(hostsOf(await kept), ['127.0.0.8']);
    serve('mine.test', []);
    server.hold();
  });

  test('resolve fails with ETIMEDOUT when its time is up', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const pending = resolve('late.test', { ...V4, timeout: 5000 });
    const query = await server.next('late.');
    t.mock.timers.tick(4999);
    t.mock.timers.tick(1);
    await assert.rejects(pending, {
      name: 'SystemError',
      code: 'ETIMEDOUT',
      syscall: 'getaddrinfo',
      op: 'resolve',
    });
    query.answer([a(127, 0, 0, 1)]);
  });

  test('resolve does not fail before its time is up, and forgets the time when it is answered', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const pending = resolve('just.test', { ...V4, timeout: 5000 });
    const query = await server.next('just.');
    t.mock.timers.tick(4999);
    query.answer([a(127, 0, 0, 9)]);
    assert.deepEqual(hostsOf(await pending), ['127.0.0.9']);
    t.mock.timers.tick(1);
  });

  test('resolve refuses what is more than may wait, and takes more when there is room', async () => {
    const asked = Array.from({ length: UNDER_WAY }, () => resolve('full.test', V4));
    const [first] = [await server.next('full.'), await server.next('full.'), await server.next('full.')];
    const controller = new AbortController();
    const waiting = Array.from({ length: WAITING }, () =>
      resolve('full.test', { ...V4, signal: controller.signal }),
    );
    const settled = Promise.allSettled(waiting);
    await assert.rejects(resolve('full.test', V4), (error: unknown) => {
      assert.ok(error instanceof BusyError);
      assert.equal(
        error.message,
        'resolve: too many lookups of this thread are waiting already (ERR_SOCKET_BUSY)',
      );
      return true;
    });
    controller.abort();
    assert.ok((await settled).every(({ status }) => status === 'rejected'));
    first.answer([a(127, 0, 0, 1)]);
    serve('full.test', [a(127, 0, 0, 1)]);
    assert.equal((await resolve('full.test', V4)).length, 1);
    await Promise.all(asked);
    server.hold();
  });

  test('nameInfo asks for the name of an address, and says the address where there is none', async () => {
    server.answerAll((query) => {
      if (query.name === '1.2.0.192.in-addr.arpa') query.answer([{ type: 'PTR', data: 'named.test' }]);
      else query.answer([], 'nameError');
    });
    const named = { family: 'ipv4', host: '192.0.2.1', port: 80 } as const;
    const nameless = { ...named, host: '192.0.2.2' };
    assert.deepEqual(await nameInfo(named), { host: 'named.test', service: 'http' });
    assert.deepEqual(await nameInfo(nameless), { host: '192.0.2.2', service: 'http' });
    await assert.rejects(nameInfo(nameless, { flags: ['NI_NAMEREQD'] }), {
      name: 'ResolveError',
      code: 'EAI_NONAME',
      message: 'nameInfo: no such host: "192.0.2.2:80" (EAI_NONAME)',
    });
    server.hold();
  });

  test('nameInfo rejects at once when its signal aborts', async () => {
    const controller = new AbortController();
    const address = { family: 'ipv4', host: '192.0.2.3', port: 80 } as const;
    const pending = nameInfo(address, { signal: controller.signal });
    const query = await server.next('3.2.0.192.');
    controller.abort('mine');
    assert.equal(await pending.catch((error: unknown) => error), 'mine');
    query.answer([], 'nameError');
  });

  test('a server that is not there is told at once', async () => {
    await server.close();
    await assert.rejects(resolve('x.test', V4), { code: 'EAI_AGAIN' });
    assert.throws(() => resolveSync('x.test', V4), { code: 'EAI_AGAIN' });
    server = await NameServer.start();
  });
}
