/** Real addresses, races between them, and options as the system itself shows them. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import test from 'node:test';

import type { IpAddress } from '../base/address.ts';
import { ConnectError } from '../base/errors.ts';
import type { Listener, Stream } from '../base/provider.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { connected, portOf, recordListener, whereIs } from '../testing/node/pairs.ts';
import { node, python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

function makeProvider(t: TestContext): LocalProvider {
  const provider = localProvider({ withFaults: true });
  t.after(() => provider.close());
  return provider;
}

const V4 = (host: string): IpAddress => ({ family: 'ipv4', host });

/** An address that takes a connection and then no more: what comes is not answered. */
async function blackHole(t: TestContext): Promise<number> {
  const peer = python(
    t,
    `s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0)
s2 = dial(s.getsockname()[1]); say(s.getsockname()[1]); wait()`,
  );
  return Number(await peer.line());
}

test('connect goes on to the next address when the first does not answer, and closes the loser', async (t) => {
  const provider = makeProvider(t);
  const port = await blackHole(t);
  const listener = await provider.listen({ host: '127.0.0.2', port });
  const before = countDescriptors();
  const started = performance.now();
  const stream = await provider.connect({
    host: 'two.example',
    port,
    addresses: [V4('127.0.0.1'), V4('127.0.0.2')],
    attemptDelay: 40,
  });
  const took = performance.now() - started;
  assert.ok(took >= 39, `${String(took)} ms`);
  assert.deepEqual(stream.remote, { family: 'ipv4', host: '127.0.0.2', port });
  assert.equal(countDescriptors(), before + 1);
  await recordListener(t, listener).stream();
});

test('connect takes the first that answers, though it was not the first tried, and no loser stays', async (t) => {
  const provider = makeProvider(t);
  const port = await blackHole(t);
  const listener = await provider.listen({ host: '127.0.0.9', port });
  const before = countDescriptors();
  const refused = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map(V4);
  const stream = await provider.connect({
    host: 'many.example',
    port,
    addresses: [V4('127.0.0.1'), ...refused, V4('127.0.0.9')],
    attemptDelay: 20,
  });
  assert.equal(stream.remote.family === 'ipv4' && stream.remote.host, '127.0.0.9');
  assert.equal(countDescriptors(), before + 1);
  await listener.close();
});

test('connect tells of every attempt, in order, when none answers', async (t) => {
  const provider = makeProvider(t);
  const port = await blackHole(t);
  const before = countDescriptors();
  const addresses = ['127.0.0.2', '127.0.0.1', '127.0.0.3'].map(V4);
  const failed = provider.connect({ host: 'none.example', port, addresses, attemptDelay: 20, timeout: 150 });
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      error.errors.map(({ code, remote }) => [code, remote]),
      [
        ['ECONNREFUSED', { family: 'ipv4', host: '127.0.0.2', port }],
        ['ETIMEDOUT', { family: 'ipv4', host: '127.0.0.1', port }],
        ['ECONNREFUSED', { family: 'ipv4', host: '127.0.0.3', port }],
      ],
    );
    return true;
  });
  assert.equal(countDescriptors(), before);
});

test('connect to an unreachable network fails with its error, in a network of its own', async (t) => {
  const { status, stderr } = await runProgram('unshare', ['-rn', 'true']);
  if (status !== 0) {
    t.skip(`no network namespace: ${stderr.trim()}`);
    return;
  }
  const peer = node(
    t,
    `
    const provider = localProvider();
    const before = count();
    const addresses = ['192.0.2.1', '198.51.100.1'].map((host) => ({ family: 'ipv4', host }));
    const error = await provider.connect({ host: 'x', port: 9, addresses }).catch((e) => e);
    say([error.errors.map((each) => each.code), count() - before]);
    await provider.close();`,
    { under: ['unshare', '-rn'] },
  );
  assert.deepEqual(await peer.json(), [['ENETUNREACH', 'ENETUNREACH'], 0]);
  assert.equal((await peer.ended).status, 0);
});

/** What ss shows of the one established socket with this local port. */
async function shown(stream: Stream): Promise<string> {
  const filter = `sport = :${String(portOf(stream))}`;
  const { stdout, status } = await runProgram('ss', ['-Htnoi', 'state', 'established', filter]);
  assert.equal(status, 0);
  return stdout;
}

test('keepAlive sets the timer that ss shows, at once, also on accepted streams', async (t) => {
  const provider = makeProvider(t);
  const keepAlive = { idle: 300, interval: 7, count: 3 };
  const listener = await provider.listen({ options: { keepAlive } });
  const client = await provider.connect({
    ...(whereIs(listener) as { host: string; port: number }),
    options: { keepAlive: { idle: 100, interval: 5, count: 2 } },
  });
  const server = await recordListener(t, listener).stream();
  assert.match(await shown(client), /timer:\(keepalive,1min(3\d|40)/);
  assert.match(await shown(server), /timer:\(keepalive,(4min5\d|5min)/);
  assert.deepEqual(server.get('keepAlive'), keepAlive);
  client.set('keepAlive', false);
  assert.doesNotMatch(await shown(client), /keepalive/);
  assert.equal(client.get('keepAlive'), false);
  client.set('keepAlive', { idle: 3000 });
  assert.match(await shown(client), /timer:\(keepalive,(49|50)min/);
  assert.deepEqual(client.get('keepAlive'), { idle: 3000, interval: 5, count: 2 });
});

test('noDelay and userTimeout are with the kernel, as another program reads them', async (t) => {
  const provider = makeProvider(t);
  const listener = await provider.listen({ options: { noDelay: true, userTimeout: 12_345 } });
  const client = await provider.connect(whereIs(listener));
  const server = await recordListener(t, listener).stream();
  assert.deepEqual([server.get('noDelay'), server.get('userTimeout')], [true, 12_345]);
  assert.deepEqual([client.get('noDelay'), client.get('userTimeout')], [false, 0]);
  // Python takes the descriptors over and asks for the same options by their numbers.
  const fds = await inheritedOptions(t, provider);
  assert.deepEqual(fds, [1, 4321]);
});

/** The options TCP_NODELAY and TCP_USER_TIMEOUT of a stream's descriptor, asked for by CPython through /proc (pidfd_getfd). */
async function inheritedOptions(t: TestContext, provider: LocalProvider): Promise<number[]> {
  const { openDescriptors } = await import('../testing/node/leak-check.ts');
  const listener = await provider.listen({});
  const known = openDescriptors();
  await provider.connect({
    ...(whereIs(listener) as { host: string; port: number }),
    options: { noDelay: true, userTimeout: 4321 },
  });
  const [fd] =
    [...openDescriptors()].find(([each, what]) => !known.has(each) && what.startsWith('socket')) ?? [];
  const peer = python(
    t,
    `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.syscall(438, os.pidfd_open(int(sys.argv[1])), int(sys.argv[2]), 0)
if fd < 0: say('[]')
else:
    s = socket.socket(fileno=fd)
    say(json.dumps([s.getsockopt(socket.IPPROTO_TCP, n) for n in (socket.TCP_NODELAY, socket.TCP_USER_TIMEOUT)]))`,
    String(process.pid),
    String(fd),
  );
  return peer.json();
}

test('listeners that share a port with reusePort each get connections, and none gets lost', async (t) => {
  const provider = makeProvider(t);
  const one = await provider.listen({ reusePort: true });
  const two = await provider.listen({ reusePort: true, port: portOf(one) });
  await assert.rejects(provider.listen({ port: portOf(one) }), { code: 'EADDRINUSE' });
  const counts = [0, 0];
  let all = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    all = resolve;
  });
  for (const [i, listener] of [one, two].entries()) {
    listener.start({
      accept: () => {
        counts[i] = (counts[i] ?? 0) + 1;
        if ((counts[0] ?? 0) + (counts[1] ?? 0) === 200) all();
      },
      close: () => undefined,
    });
  }
  await Promise.all(Array.from({ length: 200 }, () => provider.connect(whereIs(one))));
  await done;
  // The kernel spreads by a hash: 200 in one is less likely than 2^-199.
  assert.ok(
    counts.every((count) => count > 20),
    counts.join(),
  );
});

test('ipv6Only on :: refuses IPv4, and without it takes both', async (t) => {
  const provider = makeProvider(t);
  const only = await provider.listen({ host: '::', ipv6Only: true });
  await assert.rejects(provider.connect({ host: '127.0.0.1', port: portOf(only) }), /ECONNREFUSED/);
  await provider.connect({ host: '::1', port: portOf(only) });
  // So the same port is free for IPv4, on an address that no other program's connections come from.
  const beside = await provider.listen({ host: '127.77.0.1', port: portOf(only) });
  await provider.connect({ host: '127.77.0.1', port: portOf(beside) });
  const both = await provider.listen({ host: '::', ipv6Only: false });
  const accepted = recordListener(t, both);
  await provider.connect({ host: '127.0.0.1', port: portOf(both) });
  const stream = await accepted.stream();
  assert.match(JSON.stringify(stream.remote), /"ipv6","host":"::ffff:(127\.0\.0\.1|7f00:1)"/);
});

test('a Unix socket has the mode that was asked for, before anybody can connect', async (t) => {
  const provider = makeProvider(t);
  for (const mode of [0o600, 0o660, 0o666, 0o777, 0o000]) {
    const path = tempPath();
    const listener = await provider.listen({ path, mode });
    assert.equal(lstatSync(path).mode & 0o777, mode);
    await listener.close();
    assert.equal(existsSync(path), false);
  }
});

test('a path that a killed process left is taken with stale: replace, and only then', async (t) => {
  const provider = makeProvider(t);
  const path = tempPath();
  const peer = python(
    t,
    `s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); say('up'); wait()`,
    path,
  );
  await peer.line();
  await assert.rejects(provider.listen({ path, stale: 'replace' }), { code: 'EADDRINUSE' });
  assert.ok(existsSync(path));
  peer.child.kill('SIGKILL');
  await peer.ended;
  await assert.rejects(provider.listen({ path }), { code: 'EADDRINUSE' });
  const listener = await provider.listen({ path, stale: 'replace' });
  await provider.connect(whereIs(listener));
  await listener.close();
  assert.equal(existsSync(path), false);
});

test('a path that another took over meanwhile is left to the other', async (t) => {
  const provider = makeProvider(t);
  const path = tempPath();
  const listener = await provider.listen({ path });
  const { unlinkSync } = await import('node:fs');
  unlinkSync(path);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await listener.close();
  assert.ok(existsSync(path));
  await new Promise((resolve) => server.close(resolve));
});

test('buffer sizes are set before the handshake, so that the window can grow', async (t) => {
  const provider = makeProvider(t);
  const most = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
  const size = Math.min(1_000_000, most);
  const listener = await provider.listen({ options: { receiveBufferSize: size } });
  const client = await provider.connect(whereIs(listener));
  const server = await recordListener(t, listener).stream();
  assert.ok(server.get('receiveBufferSize') >= size);
  const scale = /wscale:\d+,(\d+)/.exec(await shown(server))?.[1];
  assert.ok(scale !== undefined, 'ss shows no window scale');
  assert.ok(2 ** Number(scale) * 65535 >= size, `window scale ${scale}`);
  client.abort();
});

test('a listener tells of its own address and port, also at a wildcard and with a scope', async (t) => {
  const provider = makeProvider(t);
  const { client, listener } = await connected(t, provider, { host: '0.0.0.0' });
  assert.deepEqual(listener.local, { family: 'ipv4', host: '0.0.0.0', port: portOf(listener) });
  assert.equal(client.remote.family === 'ipv4' && client.remote.host, '0.0.0.0');
  const here: Listener['local'] = (await provider.listen({ host: '::1' })).local;
  assert.equal(here.family === 'ipv6' && here.host, '::1');
});
