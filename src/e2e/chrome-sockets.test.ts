/** What an app on `chrome.sockets` sees, over each provider. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import type { SocketProvider } from '../base/provider.ts';
import type { ChromeOptions } from '../doors/chrome.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { Inbox, Peer, quiet, TestApp } from './chrome-app.ts';

const PROVIDERS: readonly (readonly [name: string, make: () => SocketProvider])[] = [
  ['localProvider', () => localProvider()],
  ['memoryProvider', () => memoryProvider()],
  ['portableProvider', () => portableProvider()],
];

/** Sockets that this process has open, by their descriptors; on Linux. */
function openSockets(): number {
  if (process.platform !== 'linux') return 0;
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The descriptor of the listing itself.
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}

for (const [name, make] of PROVIDERS) {
  describe(`createChromeHost over ${name}`, () => {
    const apps: TestApp[] = [];
    const before = openSockets();
    const start = (options: Partial<ChromeOptions> = {}): TestApp => {
      const app = new TestApp(make(), options);
      apps.push(app);
      return app;
    };
    afterEach(async () => {
      for (const app of apps.splice(0)) {
        await app.host.close();
        await app.provider.close();
        assert.deepEqual([...app.provider.sockets()], []);
        assert.deepEqual(app.reports, []);
      }
      assert.equal(openSockets(), before);
    });

    test('echoes between two sockets of one app', async () => {
      const app = start();
      const { tcp } = app.chrome.sockets;
      const { port } = await app.listen();
      const client = await app.createTcp();
      assert.deepEqual(await app.connect(client, port), { args: [0], error: undefined });
      const { clientSocketId: server } = await app.accepted.first();
      tcp.onReceive.addListener(({ socketId, data }) => {
        if (socketId === server) tcp.send(server, data, () => undefined);
      });
      tcp.setPaused(server, false);
      for (const text of ['one', 'two', 'three']) {
        const before = app.textOf(client);
        assert.deepEqual(await app.send(client, text), {
          args: [{ resultCode: 0, bytesSent: text.length }],
          error: undefined,
        });
        await app.received.until(() => app.textOf(client) === before + text);
      }
    });

    test('an accepted socket has both addresses, and a connected one the same the other way round', async () => {
      const app = start();
      const { port } = await app.listen();
      const client = await app.createTcp();
      await app.connect(client, port);
      const { clientSocketId } = await app.accepted.first();
      const ours = await app.info(client);
      const theirs = await app.info(clientSocketId);
      assert.equal(theirs['localAddress'], '127.0.0.1');
      assert.equal(theirs['localPort'], port);
      assert.equal(theirs['peerPort'], ours['localPort']);
      assert.deepEqual([ours['peerAddress'], ours['peerPort']], ['127.0.0.1', port]);
      assert.deepEqual([ours['connected'], theirs['connected'], theirs['paused']], [true, true, true]);
    });

    test('a request is complete although its sender disconnects in the callback of send', async () => {
      const app = start();
      const { port } = await app.listen();
      const client = await app.createTcp();
      await app.connect(client, port);
      const { clientSocketId } = await app.accepted.first();
      const request = 'r'.repeat(100_000);
      const sent = app.answer((callback) => {
        app.chrome.sockets.tcp.send(client, Uint8Array.from(Buffer.from(request)), () => {
          app.chrome.sockets.tcp.disconnect(client, callback);
        });
      });
      app.chrome.sockets.tcp.setPaused(clientSocketId, false);
      await sent;
      await app.receiveErrors.first();
      assert.equal(app.textOf(clientSocketId), request);
      assert.deepEqual(app.receiveErrors.infos, [{ socketId: clientSocketId, resultCode: -100 }]);
      assert.deepEqual(await app.info(clientSocketId), {
        socketId: clientSocketId,
        persistent: false,
        paused: true,
        connected: false,
      });
    });

    test('sends whose callbacks were not waited for arrive before the end, too', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      for (let i = 0; i < 20; i++) {
        app.chrome.sockets.tcp.send(
          id,
          Uint8Array.from(Buffer.from(String(i).repeat(1000))),
          () => undefined,
        );
      }
      app.chrome.sockets.tcp.close(id);
      await peer.until(() => peer.log.includes('end'));
      assert.equal(peer.text, Array.from({ length: 20 }, (_, i) => String(i).repeat(1000)).join(''));
    });

    test('a paused socket raises nothing, and everything in order when it is resumed', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      await peer.write('before ');
      peer.stream.closeWrite();
      await quiet(app.provider);
      assert.deepEqual(app.received.infos, []);
      assert.equal((await app.info(id))['connected'], true);
      app.chrome.sockets.tcp.setPaused(id, false);
      await app.receiveErrors.first();
      assert.equal(app.textOf(id), 'before ');
    });

    test('no onReceive has more than bufferSize bytes, whatever comes', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      await app.answer((callback) => {
        app.chrome.sockets.tcp.update(id, { bufferSize: 100 }, callback);
      });
      const total = 10_050;
      app.chrome.sockets.tcp.setPaused(id, false);
      await peer.write('x'.repeat(total));
      await app.received.until(() => app.bytesOf(id) === total);
      assert.ok(app.received.infos.every(({ data }) => data.byteLength >= 1 && data.byteLength <= 100));
    });

    test('two megabytes come byte by byte as sent, to a reader that pauses', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      const { tcp } = app.chrome.sockets;
      const sent = Uint8Array.from({ length: 2 * 1024 * 1024 }, (_, i) => (i * 7 + (i >> 8)) & 255);
      tcp.update(id, { bufferSize: 65_536 });
      let chunks = 0;
      tcp.onReceive.addListener(() => {
        chunks += 1;
        if (chunks % 5 !== 0) return;
        tcp.setPaused(id, true);
        tcp.setPaused(id, false, () => undefined);
      });
      tcp.setPaused(id, false);
      const written = peer.write(sent);
      await app.received.until(() => app.bytesOf(id) === sent.length);
      await written;
      const got = Buffer.concat(app.received.infos.map(({ data }) => new Uint8Array(data)));
      assert.equal(Buffer.compare(got, sent), 0);
    });

    test('a peer that ends its side alone still gets the answer', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      const { tcp } = app.chrome.sockets;
      tcp.onReceive.addListener(({ data }) => {
        tcp.send(id, data, () => undefined);
      });
      tcp.setPaused(id, false);
      await peer.write('request');
      peer.stream.closeWrite();
      await peer.until(() => peer.log.includes('end'));
      assert.equal(peer.text, 'request');
      assert.deepEqual(app.receiveErrors.infos, [{ socketId: id, resultCode: -100 }]);
    });

    test('a reset is an end like any other', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      app.chrome.sockets.tcp.setPaused(id, false);
      await peer.write('x');
      await app.received.first();
      peer.stream.abort();
      assert.deepEqual(await app.receiveErrors.first(), { socketId: id, resultCode: -100 });
      assert.equal((await app.info(id))['connected'], false);
    });

    test('sending to a peer that has gone fails with -2, and then with -15', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      peer.stream.abort();
      let answer = await app.send(id, 'x');
      while (answer.error === undefined) answer = await app.send(id, 'x');
      assert.deepEqual(answer, { args: [{ resultCode: -2 }], error: 'net::ERR_FAILED' });
      assert.deepEqual(await app.send(id, 'x'), {
        args: [{ resultCode: -15 }],
        error: 'net::ERR_SOCKET_NOT_CONNECTED',
      });
      assert.equal((await app.info(id))['connected'], false);
    });

    test('connecting where nobody listens is refused, and works on the same id later', async () => {
      const app = start();
      const first = await app.listen();
      await app.answer((callback) => {
        app.chrome.sockets.tcpServer.close(first.id, callback);
      });
      const id = await app.createTcp();
      assert.deepEqual(await app.connect(id, first.port), {
        args: [-102],
        error: 'net::ERR_CONNECTION_REFUSED',
      });
      const { port } = await app.listen();
      assert.deepEqual(await app.connect(id, port), { args: [0], error: undefined });
    });

    test('listening on a port that is taken is -147, and free again when disconnect answers', async () => {
      const app = start();
      const { id, port } = await app.listen();
      const { tcpServer } = app.chrome.sockets;
      const created = await app.answer((callback) => {
        tcpServer.create(callback);
      });
      const other = (created.args[0] as { socketId: number }).socketId;
      const listenOther = (): Promise<unknown> =>
        app.answer((callback) => {
          tcpServer.listen(other, '127.0.0.1', port, callback);
        });
      assert.deepEqual(await listenOther(), { args: [-147], error: 'net::ERR_ADDRESS_IN_USE' });
      await app.answer((callback) => {
        tcpServer.disconnect(id, callback);
      });
      assert.deepEqual(await listenOther(), { args: [0], error: undefined });
    });

    test('a paused server leaves connections waiting, and takes them when it is resumed, again and again', async () => {
      const app = start();
      const { tcpServer } = app.chrome.sockets;
      const { id, port } = await app.listen();
      for (let round = 1; round <= 3; round++) {
        await app.answer((callback) => {
          tcpServer.setPaused(id, true, callback);
        });
        const peer = new Peer(await app.provider.connect({ host: '127.0.0.1', port }));
        await quiet(app.provider);
        if (app.provider.capabilities.has('accept-pause')) assert.equal(app.accepted.infos.length, round - 1);
        tcpServer.setPaused(id, false);
        await app.accepted.until((infos) => infos.length === round);
        await peer.stream.close();
      }
    });

    test('disconnecting raises no event at the app, which can connect again and read', async () => {
      const app = start();
      const { port } = await app.listen();
      const id = await app.createTcp();
      await app.connect(id, port);
      await app.answer((callback) => {
        app.chrome.sockets.tcp.disconnect(id, callback);
      });
      await app.connect(id, port);
      const [, second] = await app.accepted.until((infos) => infos.length === 2);
      assert.ok(second !== undefined);
      await app.send(second.clientSocketId, 'hello again');
      await app.received.until(() => app.textOf(id) === 'hello again');
      assert.deepEqual(app.receiveErrors.infos, []);
      assert.equal((await app.info(id))['paused'], false);
    });

    test('a socket that is closed while it connects is never answered, and leaves nothing open', async () => {
      const app = start();
      const { id: server, port } = await app.listen();
      const id = await app.createTcp();
      let calls = 0;
      app.chrome.sockets.tcp.connect(id, '127.0.0.1', port, () => {
        calls += 1;
      });
      await app.answer((callback) => {
        app.chrome.sockets.tcp.close(id, callback);
      });
      await quiet(app.provider);
      assert.equal(calls, 0);
      await app.answer((callback) => {
        app.chrome.sockets.tcpServer.close(server, callback);
      });
      for (const { clientSocketId } of app.accepted.infos) {
        await app.answer((callback) => {
          app.chrome.sockets.tcp.close(clientSocketId, callback);
        });
      }
      assert.deepEqual([...app.provider.sockets()], []);
    });

    test('options of a connected socket can be set', async () => {
      const app = start();
      const { port } = await app.listen();
      const id = await app.createTcp();
      await app.connect(id, port);
      const { tcp } = app.chrome.sockets;
      const results = [
        await app.answer((callback) => {
          tcp.setNoDelay(id, false, callback);
        }),
        await app.answer((callback) => {
          tcp.setKeepAlive(id, true, 1000, callback);
        }),
        await app.answer((callback) => {
          tcp.setKeepAlive(id, false, callback);
        }),
      ];
      for (const result of results) assert.deepEqual(result, { args: [0], error: undefined });
    });

    test('an IPv4 guest of an IPv6 server has its address in groups', async (t) => {
      const app = start();
      if (!app.provider.capabilities.has('ipv6')) {
        t.skip('no IPv6 here');
        return;
      }
      const { port } = await app.listen('::');
      const id = await app.createTcp();
      assert.deepEqual(await app.connect(id, port), { args: [0], error: undefined });
      const { clientSocketId } = await app.accepted.first();
      assert.equal((await app.info(clientSocketId))['peerAddress'], '::ffff:7f00:1');
    });

    test('a listener that throws is reported, and all others are served', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      const fault = new Error('from the app');
      app.chrome.sockets.tcp.onReceive.addListener(() => {
        throw fault;
      });
      const after = new Inbox(app.chrome.sockets.tcp.onReceive);
      app.chrome.sockets.tcp.setPaused(id, false);
      await peer.write('x');
      await after.first();
      assert.deepEqual(app.reports.splice(0), [fault]);
    });

    test('the manifest decides about connect and listen', async () => {
      const { port } = await start().listen();
      const app = start({ manifest: { sockets: { tcp: { connect: `127.0.0.1:${String(port)}` } } } });
      const id = await app.createTcp();
      const denied = { args: [], error: 'Does not have permission' };
      assert.deepEqual(await app.connect(id, port, 'localhost'), denied);
      assert.deepEqual(await app.connect(id, port + 1), denied);
      const { tcpServer } = app.chrome.sockets;
      tcpServer.create(() => undefined);
      assert.deepEqual(
        await app.answer((callback) => {
          tcpServer.listen(1, '127.0.0.1', 0, callback);
        }),
        denied,
      );
      assert.deepEqual([...app.provider.sockets()], []);
      if (name !== 'memoryProvider')
        assert.deepEqual(await app.connect(id, port), { args: [0], error: undefined });
    });

    test('close ends all sockets in order and settles when they are closed', async () => {
      const app = start();
      const { peer, id } = await app.visited();
      app.chrome.sockets.tcp.send(id, new ArrayBuffer(5), () => undefined);
      await app.host.close();
      await peer.until(() => peer.log.includes('end'));
      assert.equal(peer.text.length, 5);
      await peer.stream.close();
      assert.deepEqual([...app.provider.sockets()], []);
      assert.deepEqual([...app.host.rows()], []);
    });
  });
}
