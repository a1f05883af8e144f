/** Descriptors, processes and threads: what keeps them, and what becomes of them (F51-F53, F57-F61). */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import type { TestContext } from 'node:test';
import test from 'node:test';

import { isSocketError } from '../base/errors.ts';
import type { Stream } from '../base/provider.ts';
import { countDescriptors, openDescriptors } from '../testing/node/leak-check.ts';
import { connected, portOf, record, recordListener, whereIs } from '../testing/node/pairs.ts';
import { node, Peer, python, runProgram } from '../testing/node/peer.ts';
import { asciiBytes, patternBytes } from '../testing/pattern.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

const POLLERS = ['epoll', 'poll'] as const;

function makeProvider(t: TestContext, poller: 'epoll' | 'poll' = 'epoll'): LocalProvider {
  const provider = localProvider({ poller });
  t.after(() => provider.close());
  return provider;
}

for (const poller of POLLERS) {
  test(`a late event of a closed stream never meets the one that has its number now (${poller}, F52)`, async (t) => {
    const provider = makeProvider(t, poller);
    const listener = await provider.listen({});
    const accepted = recordListener(t, listener);
    const made: Stream[] = [];
    for (let i = 0; i < 40; i++) made.push(await provider.connect(whereIs(listener)));
    await accepted.until(() => accepted.streams.length === 40, '40 connections');
    const wrong: string[] = [];
    let fresh: Promise<Stream>[] = [];
    const first = new Promise<void>((resolve) => {
      for (const stream of made) {
        stream.start({
          data: () => {
            if (fresh.length > 0) return;
            // All others have data in this very batch. They go, and new ones take their descriptors' numbers.
            for (const other of made) if (other !== stream) other.abort();
            fresh = made.map(() => provider.connect(whereIs(listener)));
            resolve();
          },
          close: () => undefined,
        });
      }
      for (const server of accepted.streams) {
        server.start({ data: () => undefined, close: () => undefined });
        server.write(asciiBytes('old'));
      }
    });
    await first;
    const successors = await Promise.all(fresh);
    await accepted.until(() => accepted.streams.length === 80, '80 connections');
    for (const [i, stream] of successors.entries()) {
      stream.start({
        data: (chunk) => {
          const text = String.fromCharCode(...chunk);
          if (text !== 'new') wrong.push(`${String(i)}: ${text}`);
          stream.closeWrite();
        },
        close: (error) => {
          if (error !== null) wrong.push(`${String(i)}: ${error.message}`);
          if (++closed === successors.length) allClosed();
        },
      });
    }
    let closed = 0;
    let allClosed = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      allClosed = resolve;
    });
    for (const server of accepted.streams.slice(40)) {
      server.start({
        data: () => undefined,
        end: () => {
          server.closeWrite();
        },
        close: () => undefined,
      });
      server.write(asciiBytes('new'));
    }
    await done;
    assert.deepEqual(wrong, []);
  });

  test(`a descriptor that somebody else closes: told by the next write, and nobody else is hurt (${poller}, F53)`, async (t) => {
    const provider = makeProvider(t, poller);
    const { listener } = await connected(t, provider);
    const accepted = recordListener(t, listener);
    const known = new Set(openDescriptors().keys());
    const victim = await provider.connect(whereIs(listener));
    await accepted.until(() => accepted.streams.length === 1, 'the victim');
    const [fd] =
      [...openDescriptors()].find(([each, what]) => !known.has(each) && what.startsWith('socket')) ?? [];
    assert.ok(fd !== undefined);
    const bystander = await provider.connect(whereIs(listener));
    const server = await accepted.stream(1);
    record(t, victim);
    const atServer = record(t, server);
    closeSync(fd);
    // Nothing of ours is opened until the victim has noticed: its number would be another's.
    const error = await new Promise((resolve) => victim.write(patternBytes(100), resolve));
    assert.ok(isSocketError(error) && isSocketError(error.cause));
    assert.equal(error.cause.code, 'EBADF');
    victim.abort();
    for (let i = 1; i <= 50; i++) {
      bystander.write(patternBytes(1000, 1000 * (i - 1)));
      await atServer.untilBytes(1000 * i);
    }
    atServer.checkPattern(50_000);
  });

  test(`a descriptor that somebody else closes does not make the loop spin (${poller}, F53)`, async (t) => {
    const peer = node(
      t,
      `
      import { turnsInWindow } from '${new URL('../testing/node/turns.js', import.meta.url).href}';
      const provider = localProvider({ poller: args[0] });
      const listener = await provider.listen({});
      const accepted = new Promise((resolve) => listener.start({ accept: resolve, close() {} }));
      const open = new Set(readdirSync('/proc/self/fd'));
      const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      const server = await accepted;
      client.start(nothing); server.start(nothing);
      const isSocket = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket'); } catch { return false; } };
      closeSync(Number(readdirSync('/proc/self/fd').find((fd) => !open.has(fd) && isSocket(fd))));
      say(await turnsInWindow());
      process.exit();`,
      { args: [poller] },
    );
    const turns = await peer.json<number>();
    assert.ok(turns < 50, `${String(turns)} turns of the loop`);
  });

  test(`a long pause of the program, then a burst: everything comes (${poller}, F61)`, async (t) => {
    const provider = makeProvider(t, poller);
    const listener = await provider.listen({});
    const accepted = recordListener(t, listener);
    const peer = python(
      t,
      `import threading
sockets = [dial(sys.argv[1]) for i in range(20)]
def send(s): s.sendall(b'x' * 500000); s.shutdown(socket.SHUT_WR)
for s in sockets: s.sendall(b'!')
wait()
threads = [threading.Thread(target=send, args=(s,)) for s in sockets]
for each in threads: each.start()
for each in threads: each.join()
say(sum(len(read_all(s)[0]) for s in sockets))`,
      String(portOf(listener)),
    );
    await accepted.until(() => accepted.streams.length === 20, '20 connections');
    let isBusy = true;
    const recorders = accepted.streams.map((stream) =>
      record(t, stream, {
        data: () => {
          if (!isBusy) return;
          isBusy = false;
          peer.say('go');
          const end = performance.now() + 300;
          while (performance.now() < end);
        },
        end: () => {
          stream.write(patternBytes(1000));
          stream.closeWrite();
        },
      }),
    );
    for (const recorder of recorders) await recorder.untilClose();
    assert.deepEqual(
      recorders.map((each) => each.received),
      recorders.map(() => 500_001),
    );
    assert.equal(await peer.line(), '20000');
  });
}

test('a child process inherits none of our descriptors (F59)', async (t) => {
  const provider = makeProvider(t);
  const { client } = await connected(t, provider);
  const child = await runProgram('sh', ['-c', 'ls -l /proc/self/fd']);
  const withNothing = await runProgram('sh', ['-c', 'ls -l /proc/self/fd; :']);
  assert.equal(child.status, 0);
  // Its own standard streams, which Node makes of socket pairs, and the folder that it reads.
  const extra = child.stdout.split('\n').filter((line) => /\s\d+ -> /.test(line) && !/ [012] -> /.test(line));
  assert.ok(
    extra.every((line) => !/socket|eventpoll|eventfd/.test(line)),
    `${child.stdout}${withNothing.stdout}`,
  );
  client.abort();
});

test('writing to a peer that is gone raises no signal, with SIGPIPE as the system has it (F60)', async (t) => {
  // Python sets SIGPIPE back to the default before it becomes Node; Node itself ignores it, so the loop asks for it anew.
  const peer = new Peer(t, 'python3', [
    '-c',
    `import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])`,
    process.execPath,
    '--input-type=module',
    '-e',
    `
    import { readFileSync } from 'node:fs';
    import { localProvider } from '${new URL('./local-provider.js', import.meta.url).href}';
    // A handler that is taken away leaves the default: libuv sets SIG_DFL then.
    const handler = () => undefined;
    process.on('SIGPIPE', handler); process.off('SIGPIPE', handler);
    const ignored = BigInt('0x' + /SigIgn:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    console.log((ignored >> 12n) & 1n ? 'ignored' : 'default');
    const provider = localProvider();
    const listener = await provider.listen({});
    listener.start({ accept: (stream) => stream.abort(), close() {} });
    for (const size of [1, 100, 100000]) {
      const stream = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      await new Promise((resolve) => stream.start({ data() {}, close: resolve }));
      const paused = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => { try { paused.write(new Uint8Array(size), resolve); } catch { resolve(); } });
      }
    }
    console.log('alive');
    await provider.close();`,
  ]);
  assert.equal(await peer.line(), 'default');
  assert.equal(await peer.line(), 'alive');
  assert.equal((await peer.ended).status, 0);
});

/** Programs by how they end: what they do, exit code, words that must be on stderr. */
const ENDINGS: readonly (readonly [string, string, number | string, RegExp])[] = [
  ['process.exit inside data', `server.start({ data() { process.exit(7); }, close() {} });`, 7, /^$/],
  [
    'an exception inside data',
    `server.start({ data() { throw new Error('mine'); }, close() {} });`,
    1,
    /Error: mine/,
  ],
  ['an exception in done', `client.write(new Uint8Array(9), () => { throw new Error('mine'); });`, 1, /mine/],
  ['an exception outside', `setImmediate(() => { throw new Error('mine'); });`, 1, /Error: mine/],
  ['a rejection', `void Promise.reject(new Error('mine'));`, 1, /Error: mine/],
  ['process.abort', `setImmediate(() => process.abort());`, 'SIGABRT', /./],
  ['SIGTERM to itself', `process.kill(process.pid, 'SIGTERM');`, 'SIGTERM', /^$/],
];

for (const [what, code, status, words] of ENDINGS) {
  test(`${what} with I/O pending ends the process as it should (F58)`, async (t) => {
    const peer = node(
      t,
      `
      const provider = localProvider();
      const listener = await provider.listen({});
      const accepted = new Promise((resolve) => listener.start({ accept: resolve, close() {} }));
      const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      const server = await accepted;
      client.start(nothing);
      // A blocked write, an unfinished close and a connect that nobody answers are under way.
      server.write(new Uint8Array(20_000_000)); server.close(); 
      const clogged = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      while (clogged.write(new Uint8Array(1_000_000)));
      client.write(new Uint8Array(1));
      { const server = { start: (sink) => client.start(sink) }; ${code} }`,
    );
    const ended = await peer.ended;
    assert.equal(ended.status, status, ended.stderr);
    assert.match(ended.stderr, words);
  });
}

/** Programs whose only sockets are those, and whether they end by themselves. */
const KEEPERS: readonly (readonly [string, string, boolean])[] = [
  ['a listener', `const l = await provider.listen({}); l.start({ accept() {}, close() {} });`, false],
  ['a listener that was not started', `await provider.listen({});`, false],
  [
    'an unref’d listener',
    `const l = await provider.listen({}); l.start({ accept() {}, close() {} }); l.unref();`,
    true,
  ],
  [
    'a listener that was unref’d and ref’d again',
    `const l = await provider.listen({}); l.unref(); l.ref();`,
    false,
  ],
  ['a closed listener', `await (await provider.listen({})).close();`, true],
  ['a provider without sockets', ``, true],
  [
    'unref’d streams',
    `const l = await provider.listen({});
     const accepted = new Promise((resolve) => l.start({ accept: resolve, close() {} }));
     const c = await provider.connect({ host: '127.0.0.1', port: l.local.port });
     const s = await accepted; l.unref(); c.start(nothing); s.start(nothing); c.unref(); s.unref(); s.unref();`,
    true,
  ],
  [
    'one stream of two that is ref’d',
    `const l = await provider.listen({});
     const accepted = new Promise((resolve) => l.start({ accept: resolve, close() {} }));
     const c = await provider.connect({ host: '127.0.0.1', port: l.local.port });
     const s = await accepted; l.unref(); c.start(nothing); s.start(nothing); c.unref();`,
    false,
  ],
  [
    'an idle stream that was never started',
    `const l = await provider.listen({});
     const accepted = new Promise((resolve) => l.start({ accept: resolve, close() {} }));
     const c = await provider.connect({ host: '127.0.0.1', port: l.local.port });
     (await accepted).abort(); await l.close();`,
    false,
  ],
];

for (const [what, code, ends] of KEEPERS) {
  test(`${what}: the process ${ends ? 'ends' : 'is kept alive'} (ref and unref)`, async (t) => {
    const peer = node(
      t,
      `const provider = localProvider(); ${code} say('ready'); process.once('SIGUSR2', () => say('alive'));`,
    );
    assert.equal(await peer.json(), 'ready');
    if (ends) {
      assert.equal((await peer.ended).status, 0);
      return;
    }
    // It has had a whole process's time to end, and answers still.
    await runProgram('sh', ['-c', ':']);
    await runProgram('sh', ['-c', ':']);
    peer.child.kill('SIGUSR2');
    assert.equal(await peer.json(), 'alive');
  });
}

test('workers that end with open sockets and pending I/O leave nothing (F57)', async (t) => {
  const peer = node(
    t,
    `
    import { Worker } from 'node:worker_threads';
    // The main thread has loaded the module first.
    const provider = localProvider();
    const listener = await provider.listen({});
    const streams = [];
    listener.start({ accept: (stream) => { streams.push(stream); stream.start({ data: (chunk) => { try { stream.write(chunk); } catch {} }, close() {} }, { chunks: 'view' }); }, close() {} });
    const source = \`
      const { parentPort, workerData } = require('node:worker_threads');
      (async () => {
        const { localProvider } = await import(workerData.url);
        const provider = localProvider({ poller: workerData.poller });
        const listener = await provider.listen({});
        listener.start({ accept: (stream) => stream.start({ data() {}, close() {} }), close() {} });
        for (let i = 0; i < 5; i++) {
          const stream = await provider.connect({ host: '127.0.0.1', port: workerData.port });
          stream.start({ data: (chunk) => { stream.write(chunk); }, close() {} });
          stream.write(new Uint8Array(100));
          if (i === 4) while (stream.write(new Uint8Array(300000)));
        }
        await provider.connect({ host: '127.0.0.1', port: listener.local.port });
        parentPort.postMessage('ready');
        if (workerData.how === 'exit') process.exit(3);
        if (workerData.how === 'throw') throw new Error('mine');
      })();
    \`;
    const url = '${new URL('./local-provider.js', import.meta.url).href}';
    // Node itself opens /dev/null when its first worker ends.
    const held = () => readdirSync('/proc/self/fd').filter((fd) => {
      try { return readlinkSync('/proc/self/fd/' + fd) !== '/dev/null'; } catch { return false; }
    }).length;
    const before = held();
    const codes = {};
    const hows = ['terminate', 'exit', 'throw', 'terminate'];
    for (let round = 0; round < 15; round++) {
      await Promise.all(hows.map((how, i) => new Promise((resolve) => {
        const poller = (round + i) % 4 === 0 ? 'poll' : 'epoll';
        const worker = new Worker(source, { eval: true, execArgv: [], workerData: { url, how, poller, port: listener.local.port } });
        worker.on('message', () => { if (how === 'terminate') worker.terminate(); });
        worker.on('error', () => undefined);
        worker.on('exit', (code) => { codes[how + ' ' + code] = (codes[how + ' ' + code] ?? 0) + 1; resolve(); });
      })));
    }
    for (const stream of streams) stream.abort();
    say([codes, held() - before]);
    // The loop of the main thread lives.
    const stream = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
    await new Promise((resolve) => { stream.start({ data: resolve, close() {} }); stream.write(new Uint8Array(1)); });
    await provider.close();
    say('alive');`,
  );
  const [codes, more] = await peer.json<[Record<string, number>, number]>();
  assert.deepEqual(codes, { 'terminate 1': 30, 'exit 3': 15, 'throw 1': 15 });
  assert.ok(more <= 0, `${String(more)} more descriptors`);
  assert.equal(await peer.json(), 'alive');
  assert.equal((await peer.ended).status, 0);
});

test('workers that are terminated at any moment leave nothing (F57)', async (t) => {
  const peer = node(
    t,
    `
    import { Worker } from 'node:worker_threads';
    const url = '${new URL('./local-provider.js', import.meta.url).href}';
    const source = \`
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.postMessage(0);
      (async () => {
        const { localProvider } = await import(workerData);
        parentPort.postMessage(1);
        const provider = localProvider();
        const listener = await provider.listen({});
        listener.start({ accept: (stream) => stream.start({ data: (chunk) => stream.write(chunk), close() {} }), close() {} });
        for (let i = 0; ; i++) {
          const stream = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
          stream.start({ data() { parentPort.postMessage(i); stream.write(new Uint8Array(50)); }, close() {} });
          stream.write(new Uint8Array(50));
        }
      })();
    \`;
    const run = (after) => new Promise((resolve) => {
      const worker = new Worker(source, { eval: true, execArgv: [], workerData: url });
      let seen = 0;
      worker.on('message', () => { if (seen++ === after) worker.terminate(); });
      worker.on('exit', resolve);
    });
    const held = () => readdirSync('/proc/self/fd').flatMap((fd) => {
      try { return [readlinkSync('/proc/self/fd/' + fd).replace(/:\\[\\d+\\]/, '')]; } catch { return []; }
    });
    await run(0);
    const before = held();
    const more = [];
    for (let i = 0; i < 30; i += 2) await Promise.all([run(i), run(3 * i + 1)]);
    for (const each of held()) {
      if (before.includes(each)) before.splice(before.indexOf(each), 1);
      else if (!each.startsWith('/')) more.push(each); // a file is one that Node's loader was reading
    }
    say(more);`,
  );
  const more = await peer.json<string[]>();
  assert.deepEqual(more, []);
  assert.equal((await peer.ended).status, 0);
});

test('a provider is closed with everything under way at once, and leaves nothing (F51)', async () => {
  const before = countDescriptors();
  for (let i = 0; i < 50; i++) {
    const provider = localProvider();
    const listener = await provider.listen({});
    listener.start({
      accept: (stream) => {
        stream.start({ data: () => void provider.close(), close: () => undefined });
      },
      close: () => undefined,
    });
    const stream = await provider.connect(whereIs(listener));
    const pending = [
      provider.connect(whereIs(listener)),
      provider.connect({ host: 'localhost', port: portOf(listener) }),
      provider.listen({}),
      provider.resolve('localhost'),
    ];
    const outcomes = Promise.allSettled(pending);
    const done = new Promise((resolve) => stream.write(patternBytes(10), resolve));
    const closed = new Promise((resolve) => {
      stream.start({ data: () => undefined, close: resolve });
    });
    if (i % 2 === 0) void stream.close();
    if (i % 3 === 0) await provider.close();
    await Promise.all([done, closed, outcomes]);
    await provider.close();
  }
  assert.equal(countDescriptors(), before);
});
