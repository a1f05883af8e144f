import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type {
  Browser,
  BrowserHost,
  BrowserOptions,
  ClientSocket,
  Permissions,
  Prompt,
} from '../../doors/tcpsocket.ts';
import { createBrowser, createBrowserHost, Grants } from '../../doors/tcpsocket.ts';

import { parseRules } from '../../doors/permissions.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { bytes, nextOf } from './test-kit.ts';

const DENIED = { name: 'IOError', message: 'permission denied', code: 'ERR_PERMISSION_DENIED' };

const HOSTS = {
  'inside.test': ['127.0.0.1'],
  'outside.test': ['203.0.113.7'],
  'both.test': ['203.0.113.7', '127.0.0.1'],
};

interface Extension extends BrowserHost {
  readonly network: MemoryNetwork;
}

function extension(t: TestContext, options: Partial<BrowserOptions>): Extension {
  const network = new MemoryNetwork({ hosts: HOSTS });
  const provider = memoryProvider({ network });
  const host = createBrowserHost({ provider, ...options });
  t.after(async () => {
    await host.close();
    await provider.close();
    assert.equal(network.openCount, 0, 'nothing is open in the network');
  });
  return { ...host, network };
}

function allow(t: TestContext, ...permissions: readonly string[]): Extension {
  return extension(t, { manifest: { permissions } });
}

/** What can be seen of an object's members, by all ways of looking. */
function seen(object: object, names: readonly string[]): readonly string[] {
  const there = names.filter((name) => name in object);
  const ways: readonly (readonly string[])[] = [
    names.filter((name) => typeof Reflect.get(object, name) !== 'undefined'),
    names.filter((name) => Object.hasOwn(object, name)),
    names.filter((name) => Object.getOwnPropertyDescriptor(object, name) !== undefined),
    names.filter((name) => Reflect.ownKeys(object).includes(name)),
    names.filter((name) => Object.keys(object).includes(name)),
    names.filter((name) => Object.keys({ ...object }).includes(name)),
    names.filter((name) => Object.entries(object).some(([key]) => key === name)),
    names.filter((name) => Reflect.has(object, name)),
    names.filter((name) => {
      for (const key in object) if (key === name) return true;
      return false;
    }),
  ];
  for (const way of ways) assert.deepEqual(way, there);
  return there;
}

const tcpOf = ({ TCPSocket }: Browser): readonly string[] =>
  TCPSocket === undefined ? [] : seen(TCPSocket, ['connect', 'listen']);
const spacesOf = (browser: Browser): readonly string[] =>
  seen(browser, ['TCPSocket', 'UDPSocket', 'permissions']);

/* prettier-ignore */
const VISIBLE: readonly (readonly [permissions: readonly string[], spaces: readonly string[], tcp: readonly string[]])[] = [
  [[],                                       ['permissions'],                           []],
  [['storage', 'https://example.test/*'],    ['permissions'],                           []],
  [['tcp-connect:*:*'],                      ['TCPSocket', 'permissions'],              ['connect']],
  [['tcp-connect:example.test:80'],          ['TCPSocket', 'permissions'],              ['connect']],
  [['tcp-listen:3030'],                      ['TCPSocket', 'permissions'],              ['listen']],
  [['tcp-listen:*', 'tcp-connect:*:1'],      ['TCPSocket', 'permissions'],              ['connect', 'listen']],
  [['udp-bind:*'],                           ['UDPSocket', 'permissions'],              []],
  [['udp-send-to:*:*'],                      ['permissions'],                           []],
];

for (const [permissions, spaces, tcp] of VISIBLE) {
  test(`browser with ${JSON.stringify(permissions)} shows ${[...spaces, ...tcp].join(', ')}`, (t) => {
    const { browser } = allow(t, ...permissions);
    assert.deepEqual(spacesOf(browser), spaces);
    assert.deepEqual(tcpOf(browser), tcp);
  });
}

test('browser and TCPSocket cannot be changed, and stay the same objects', (t) => {
  const { browser } = allow(t, 'tcp-connect:*:*');
  const { TCPSocket } = browser;
  assert.ok(TCPSocket !== undefined);
  assert.equal(browser.TCPSocket, TCPSocket);
  assert.equal(TCPSocket.connect, TCPSocket.connect);
  const objects: readonly object[] = [browser, TCPSocket];
  for (const object of objects) {
    assert.throws(() => Object.freeze(object), TypeError);
    assert.throws(() => Object.preventExtensions(object), TypeError);
    assert.throws(() => Object.defineProperty(object, 'connect', { value: 1 }), TypeError);
    assert.throws(() => Object.setPrototypeOf(object, {}), TypeError);
    assert.throws(() => {
      (object as { connect?: unknown }).connect = 1;
    }, TypeError);
    assert.throws(() => delete (object as { connect?: unknown }).connect, TypeError);
    assert.equal(Object.isFrozen(object), false);
  }
  assert.equal(JSON.stringify(TCPSocket), '{}');
  assert.deepEqual(tcpOf(browser), ['connect']);
  assert.equal(Object.prototype.toString.call(TCPSocket), '[object Object]');
});

test('browser: a function appears with its permission, goes with it, and is then refused', async (t) => {
  const answers = ['no', 'session', 'session'] as const;
  let count = 0;
  const prompt: Prompt = () => Promise.resolve(answers[count++] ?? 'no');
  const manifest = { optional_permissions: ['tcp-connect:inside.test:*', 'tcp-listen:*'] };
  const { browser } = extension(t, { manifest, prompt });
  const added: Permissions[] = [];
  const removed: Permissions[] = [];
  browser.permissions.onAdded.addListener((permissions) => added.push(permissions));
  browser.permissions.onRemoved.addListener((permissions) => removed.push(permissions));
  const wanted = { permissions: ['tcp-connect:inside.test:80'] };
  assert.deepEqual(spacesOf(browser), ['permissions']);
  assert.equal(await browser.permissions.request(wanted), false);
  assert.deepEqual(spacesOf(browser), ['permissions']);
  assert.equal(await browser.permissions.request(wanted), true);
  assert.deepEqual(tcpOf(browser), ['connect']);
  assert.equal(await browser.permissions.contains(wanted), true);
  const space = browser.TCPSocket;
  const connect = space?.connect;
  assert.ok(connect !== undefined);
  await assert.rejects(connect({ host: 'inside.test', port: 81 }), DENIED);
  const client = await connect({ host: 'inside.test', port: 80 });
  await assert.rejects(client.opened, { message: 'ConnectionRefusedError: Network' });
  assert.equal(await browser.permissions.remove(wanted), true);
  assert.deepEqual(spacesOf(browser), ['permissions']);
  assert.equal(space?.connect, undefined);
  await assert.rejects(connect({ host: 'inside.test', port: 80 }), {
    ...DENIED,
    permission: 'tcp-connect:inside.test:80',
  });
  assert.equal(await browser.permissions.request({ permissions: ['tcp-listen:*'] }), true);
  assert.deepEqual(tcpOf(browser), ['listen']);
  assert.equal(browser.TCPSocket, space, 'the same object again');
  assert.deepEqual(await browser.permissions.getAll(), { permissions: ['tcp-listen:*'], origins: [] });
  assert.deepEqual(added, [
    { permissions: ['tcp-connect:inside.test:80'], origins: [] },
    { permissions: ['tcp-listen:*'], origins: [] },
  ]);
  assert.deepEqual(removed, [{ permissions: ['tcp-connect:inside.test:80'], origins: [] }]);
});

test('browser.permissions refuses what the manifest does not declare, and what is none', async (t) => {
  const { browser } = extension(t, {
    manifest: { permissions: ['tcp-listen:1'], optional_permissions: ['tcp-connect:a.test:*'] },
    prompt: () => Promise.resolve('always'),
  });
  const { permissions } = browser;
  await assert.rejects(permissions.request({ permissions: ['tcp-connect:*:*'] }), {
    name: 'UndeclaredError',
  });
  await assert.rejects(permissions.request({ permissions: ['udp-bind:*'] }), { name: 'UndeclaredError' });
  await assert.rejects(permissions.remove({ permissions: ['tcp-listen:1'] }), { name: 'UndeclaredError' });
  await assert.rejects(permissions.request({ permissions: ['tcp-connect'] }), {
    name: 'PermissionSyntaxError',
  });
  await assert.rejects(permissions.request({ origins: ['https://a.test/*'] }), TypeError);
  await assert.rejects(permissions.request({ permissions: 'tcp-listen:1' } as never), TypeError);
  await assert.rejects(permissions.request({ permissions: [5] } as never), TypeError);
  await assert.rejects(permissions.contains(null as never), TypeError);
  assert.equal(await permissions.contains({}), true);
  assert.equal(await permissions.contains({ permissions: ['tcp-listen:1', 'tcp-listen:2'] }), false);
  assert.throws(() => {
    permissions.onAdded.addListener(5 as never);
  }, TypeError);
  assert.throws(() => createBrowser({ manifest: { permissions: ['tcp-connect:a b:1'] } }), {
    name: 'PermissionSyntaxError',
    path: ['permissions', 0],
  });
  assert.throws(() => createBrowser({} as never), TypeError);
});

test('browser.permissions events: a listener that throws is reported, and the others hear', async (t) => {
  const reported: unknown[] = [];
  const { browser } = extension(t, {
    manifest: { optional_permissions: ['tcp-listen:*'] },
    prompt: () => Promise.resolve('session'),
    report: (error) => reported.push(error),
  });
  const { onAdded } = browser.permissions;
  const heard: string[] = [];
  const gone = (): number => heard.push('gone');
  onAdded.addListener(() => {
    throw new Error('a listener');
  });
  onAdded.addListener(gone);
  onAdded.addListener(() => heard.push('last'));
  assert.equal(onAdded.hasListener(gone), true);
  onAdded.removeListener(gone);
  assert.equal(onAdded.hasListener(gone), false);
  await browser.permissions.request({ permissions: ['tcp-listen:1'] });
  assert.deepEqual(heard, ['last']);
  assert.equal(reported.length, 1);
});

/* prettier-ignore */
const REFUSED: readonly (readonly [permission: string, host: string, port: number, wanted: string])[] = [
  ['tcp-connect:a.test:80',     'a.test',      81,  'tcp-connect:a.test:81'],
  ['tcp-connect:a.test:80',     'b.test',      80,  'tcp-connect:b.test:80'],
  ['tcp-connect:*.a.test:*',    'a.test',      80,  'tcp-connect:a.test:80'],
  ['tcp-connect:192.0.2.1:80',  '192.0.2.2',   80,  'tcp-connect:192.0.2.2:80'],
  ['tcp-connect:192.0.2.1:80',  '::1',         80,  'tcp-connect:[::1]:80'],
];

for (const [permission, host, port, wanted] of REFUSED) {
  test(`TCPSocket.connect with ${permission} is refused ${host} port ${String(port)}`, async (t) => {
    const { browser, network } = allow(t, permission);
    await assert.rejects(async () => browser.TCPSocket?.connect?.({ host, port }), {
      ...DENIED,
      permission: wanted,
    });
    assert.equal(network.openCount, 0);
  });
}

test('TCPSocket.listen is refused ports that are not granted, a free one among them', async (t) => {
  const { browser } = allow(t, 'tcp-listen:3030');
  const listen = browser.TCPSocket?.listen;
  assert.ok(listen !== undefined);
  await assert.rejects(listen({ port: 3031 }), { ...DENIED, permission: 'tcp-listen:3031' });
  await assert.rejects(listen(), { ...DENIED, permission: 'tcp-listen:*' });
  const server = await listen({ port: 3030 });
  assert.equal(server.localPort, 3030);
});

test('TCPSocket.connect to a name that only its addresses can decide', async (t) => {
  const host = allow(t, 'tcp-connect:127.0.0.1:*', 'tcp-listen:*');
  const tcp = host.browser.TCPSocket;
  assert.ok(tcp?.connect !== undefined && tcp.listen !== undefined);
  const server = await tcp.listen();
  const port = server.localPort;
  await assert.rejects(tcp.connect({ host: 'outside.test', port }), {
    ...DENIED,
    permission: `tcp-connect:outside.test:${String(port)}`,
  });
  for (const name of ['inside.test', 'both.test']) {
    const client: ClientSocket = await tcp.connect({ host: name, port });
    assert.equal(client.readyState, 'open', 'that it is permitted is known only then');
    assert.equal(client.remoteAddress, '127.0.0.1');
    await nextOf(server);
  }
  await server.close();
  // All but a denial is told by the socket.
  const refused = await tcp.connect({ host: 'inside.test', port });
  await assert.rejects(refused.opened, { message: 'ConnectionRefusedError: Network' });
});

test('TCPSocket.connect to a name all of whose addresses are denied is itself refused', async (t) => {
  const granted = parseRules(['tcp-connect:*:*', 'deny tcp-connect:203.0.113.0/24:*']);
  const { browser } = extension(t, { grants: new Grants({ asker: { id: 'x', name: 'x' }, granted }) });
  await assert.rejects(async () => browser.TCPSocket?.connect?.({ host: 'outside.test', port: 80 }), DENIED);
});

test('sockets stay open when their permission is removed, unless that is to close them', async (t) => {
  for (const onRevoke of ['keep', 'close'] as const) {
    const { browser } = extension(t, {
      manifest: { permissions: ['tcp-listen:*'], optional_permissions: ['tcp-connect:*:*'] },
      prompt: () => Promise.resolve('session'),
      onRevoke,
    });
    const all = { permissions: ['tcp-connect:*:*'] };
    await browser.permissions.request(all);
    const server = await browser.TCPSocket?.listen?.();
    assert.ok(server !== undefined);
    const client = await browser.TCPSocket?.connect?.({ host: '127.0.0.1', port: server.localPort });
    assert.ok(client !== undefined);
    const peer = await nextOf(server);
    await client.opened;
    await browser.permissions.remove(all);
    if (onRevoke === 'close') await client.closed.catch(() => undefined);
    else {
      await client.write(bytes('still'));
      await peer.read();
    }
    assert.equal(client.readyState, onRevoke === 'close' ? 'closed' : 'open');
  }
});

test('the end of an extension closes all, whatever state it is in, and refuses further calls', async (t) => {
  let ask: () => void = () => undefined;
  const isAsked = new Promise<void>((resolve) => (ask = resolve));
  const host = extension(t, {
    manifest: {
      permissions: ['tcp-connect:*:*', 'tcp-listen:*', 'udp-bind:*'],
      optional_permissions: ['udp-send-to:*:*'],
    },
    prompt: () => {
      ask();
      return new Promise(() => undefined);
    },
  });
  const { TCPSocket: tcp, UDPSocket: udp, permissions } = host.browser;
  assert.ok(tcp?.connect !== undefined && tcp.listen !== undefined && udp !== undefined);
  const server = await tcp.listen();
  const to = { host: '127.0.0.1', port: server.localPort };
  const open = await tcp.connect({ ...to, awaitOpen: true });
  const peer = await nextOf(server);
  const unclaimed = await tcp.connect({ ...to, awaitOpen: true });
  const connecting = await tcp.connect(to);
  const socket = await udp.create();
  const message = socket.messages().next();
  const next = server.connections.next().then(({ done }) => done);
  const question = permissions.request({ permissions: ['udp-send-to:*:*'] });
  await isAsked;
  const listening = assert.rejects(tcp.listen(), { name: 'IOError', message: 'the extension has ended' });
  await host.close();
  for (const each of [open, peer, connecting]) assert.equal(each.readyState, 'closed');
  await Promise.allSettled([unclaimed.closed, next]);
  assert.equal(unclaimed.readyState, 'closed');
  await listening;
  assert.deepEqual(await message, { done: true, value: undefined });
  assert.equal(await question, false);
  const over = { name: 'IOError', message: 'the extension has ended' };
  await assert.rejects(tcp.connect(to), over);
  await assert.rejects(tcp.listen(), over);
  await assert.rejects(udp.create(), over);
  assert.equal(host.network.openCount, 0);
});
