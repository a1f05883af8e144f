import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node } from '../testing/node/peer.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { parseRules } from '../permissions/native-dialect.ts';
import { Grants, createBrowser, createBrowserHost } from './tcpsocket.ts';
import type { Browser } from './tcpsocket.ts';

test('createBrowser: to the compiler every function may be missing', async () => {
  const provider = memoryProvider();
  const browser: Browser = createBrowser({ manifest: { permissions: [] }, provider });
  assert.throws(() => {
    // @ts-expect-error -- the namespace is there only with a permission
    return browser.TCPSocket.connect;
  }, TypeError);
  const { TCPSocket } = createBrowser({ manifest: { permissions: ['tcp-listen:*'] }, provider });
  assert.ok(TCPSocket !== undefined);
  assert.throws(() => {
    // @ts-expect-error -- so is each of its functions
    void TCPSocket.connect({ host: 'localhost', port: 80 });
  }, TypeError);
  const server = await TCPSocket.listen?.();
  await server?.close();
  await provider.close();
});

const UNHANDLED = `
import { createBrowserHost } from '${new URL('./tcpsocket.js', import.meta.url).href}';
const unhandled = [];
process.on('unhandledRejection', (reason) => { unhandled.push(String(reason)); });
const derives = args[0] === 'derived';
const manifest = { permissions: ['tcp-connect:*:*', 'tcp-listen:*'] };
const { browser, close } = createBrowserHost({ manifest, closedRejects: args[1] !== 'never' });
const { TCPSocket } = browser;
const server = await TCPSocket.listen();
const to = { host: '127.0.0.1', port: server.localPort };
const open = await TCPSocket.connect(to);
const { value: peer } = await server.connections.next();
await open.opened;
const given = await TCPSocket.connect(to);
given.close();
await server.close();
const refused = await TCPSocket.connect(to);
if (derives) refused.closed.then(() => undefined);
await refused.closed.catch(() => undefined);
await open.closeImmediately();
await peer.closed.catch(() => undefined);
await close();
await new Promise((resolve) => setImmediate(resolve));
say(unhandled);
`;

/* prettier-ignore */
const CASES = [
  ['ignored', 'rejects', []],
  ['derived', 'rejects', ['IOError: ConnectionRefusedError: Network']],
  ['derived', 'never',   []],
] as const;

for (const [promise, how, expected] of CASES) {
  test(`TCPSocket: rejections that nobody handles, of promises ${promise}, closed ${how}`, async (t) => {
    const child = node(t, UNHANDLED, { args: [promise, how] });
    assert.deepEqual(await child.json(), expected);
    assert.equal((await child.ended).status, 0);
  });
}

test('createBrowserHost: what is denied altogether is not there, and what is held is listed as it can be asked about', async () => {
  const provider = memoryProvider();
  const rules = ['tcp-connect:10.0.0.0/8:80-90', 'udp-bind:*:*', 'deny udp-bind:*:*'];
  const grants = new Grants({ asker: { id: 'a', name: 'A' }, granted: parseRules(rules) });
  const host = createBrowserHost({ grants, provider });
  const { browser } = host;
  assert.equal('UDPSocket' in browser, false);
  const all = await browser.permissions.getAll();
  assert.deepEqual(all.permissions, ['tcp-connect:10.0.0.0/8:80-90', 'udp-bind:*']);
  assert.equal(
    await browser.permissions.contains({ permissions: ['tcp-connect:10.0.0.0/8:80-90'] }),
    true,
    'it is read as it was told',
  );
  await assert.rejects(browser.permissions.contains({ permissions: ['tcp-connect:10.0.0.0/8'] }), {
    name: 'PermissionSyntaxError',
  });
  await host.close();
  await provider.close();
});

test('UDPSocket whose permission is taken back is closed and says so, though nobody has read', async () => {
  const provider = memoryProvider();
  const grants = new Grants({
    asker: { id: 'a', name: 'A' },
    optional: parseRules(['udp-bind:*:*']),
    prompt: () => Promise.resolve('session'),
  });
  const host = createBrowserHost({ grants, provider, onRevoke: 'close' });
  const { browser } = host;
  await browser.permissions.request({ permissions: ['udp-bind:*'] });
  const socket = await browser.UDPSocket?.create();
  assert.ok(socket !== undefined);
  await browser.permissions.remove({ permissions: ['udp-bind:*'] });
  await socket.closed;
  assert.deepEqual(await socket.messages().next(), { done: true, value: undefined });
  await host.close();
  await provider.close();
});
