import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node } from '../testing/node/peer.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { createBrowser } from './tcpsocket.ts';
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
