/**
 * The ends of lookups that come at a bad time: of workers, of the process, of whoever asked (F57, F58). The name server
 * is the test itself, so that a lookup lasts as long as the test wants it to.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { leakCheck } from '../testing/node/leak-check.ts';
import type { Query } from '../testing/node/name-server.ts';
import { NameServer, USE_NAME_SERVER } from '../testing/node/name-server.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import { Peer } from '../testing/node/peer.ts';
import { loadNative } from './load.ts';
import type { NativeAnswer } from './native-names.ts';

/** Of the pool. */
const THREADS = 4;
/** Of these, for one thread of JavaScript. */
const SHARE = 3;

const answerOne = (query: Query): void => {
  query.answer([{ type: 'A', data: Uint8Array.of(192, 0, 2, 1) }]);
};

/** What scripts of workers and processes begin with. */
const PRELUDE = `
const { loadNative } = await import(${JSON.stringify(new URL('./load.js', import.meta.url).href)});
const native = loadNative();
const { AF_INET, SOCK_STREAM } = native.constants;
const ask = (names, host) => names.askAddresses(host, null, AF_INET, SOCK_STREAM, 0, 0);
`;

function startWorker(code: string): Worker {
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(PRELUDE + code)}`));
}

const countThreads = (): number => readdirSync('/proc/self/task').length;

interface Asked {
  readonly id: number;
  readonly answer: Promise<NativeAnswer>;
}

/** Asks for a name's IPv4 addresses, one row each. */
function makeAsker(): (name: string) => Asked {
  const native = loadNative();
  const { AF_INET, SOCK_STREAM } = native.constants;
  const waiting = new Map<number, (answer: NativeAnswer) => void>();
  const names = native.createNames((id, answer) => waiting.get(id)?.(answer));
  return (name) => {
    const id = names.askAddresses(name, null, AF_INET, SOCK_STREAM, 0, 0);
    return { id, answer: new Promise((resolve) => waiting.set(id, resolve)) };
  };
}

if (inOwnNetwork(import.meta.url, USE_NAME_SERVER)) {
  const ask = makeAsker();
  let server: NameServer;
  before(async () => {
    server = await NameServer.start();
  });
  after(async () => {
    await server.close();
  });

  const take = async (name: string, count: number): Promise<readonly Query[]> => {
    const queries: Query[] = [];
    while (queries.length < count) queries.push(await server.next(name));
    return queries;
  };

  /** Lets every lookup end, of whomever, and waits until the pool has come to new ones. */
  const settle = async (): Promise<void> => {
    server.answerAll(answerOne);
    const answers = await Promise.all(Array.from({ length: THREADS }, () => ask('last.test').answer));
    assert.ok(answers.every(({ code }) => code === 0));
    server.hold();
  };

  test('a lookup lasts until the server answers, and holds up nobody in the pool of libuv', async () => {
    const asked = Array.from({ length: 20 }, () => ask('slow.test'));
    await take('slow.', SHARE);
    await Promise.all(Array.from({ length: 20 }, () => readFile('/proc/self/stat')));
    server.answerAll(answerOne);
    for (const { answer } of asked) assert.equal((await answer).addresses.length, 1);
    server.hold();
  });

  test('a thousand lookups have three threads at a time, and each its answer', async () => {
    const threads = countThreads();
    const asked = Array.from({ length: 1000 }, (_, i) => ask(`n${String(i)}.test`));
    const first = await take('n', SHARE);
    assert.deepEqual(new Set(first.map(({ name }) => name)), new Set(['n0.test', 'n1.test', 'n2.test']));
    assert.equal(server.waiting('n'), 0);
    server.answerAll(answerOne);
    const answers = await Promise.all(asked.map(({ answer }) => answer));
    assert.ok(answers.every(({ code, addresses }) => code === 0 && addresses.length === 1));
    assert.ok(countThreads() - threads <= THREADS, `${String(countThreads() - threads)} more threads`);
    server.hold();
  });

  test('the 1,028th lookup finds no room, and the next does when one has ended', async () => {
    const asked = Array.from({ length: SHARE }, () => ask('full.test'));
    const first = await take('full.', SHARE);
    asked.push(...Array.from({ length: 1024 }, () => ask('full.test')));
    assert.ok(asked.every(({ id }) => id > 0));
    assert.equal(ask('full.test').id, -loadNative().errorNumbers.EBUSY);
    if (first[0] !== undefined) answerOne(first[0]);
    await server.next('full.');
    const last = ask('full.test');
    assert.ok(last.id > 0);
    server.answerAll(answerOne);
    await Promise.all([...asked, last].map(({ answer }) => answer));
    server.hold();
  });

  test('a worker has its turn although the main thread asks for more than there are threads', async () => {
    const greedy = Array.from({ length: 100 }, () => ask('greedy.test'));
    await take('greedy.', SHARE);
    const worker = startWorker(`
      const names = native.createNames((id, { code }) => process.exit(100 + id + code));
      ask(names, 'modest.test');`);
    answerOne(await server.next('modest.'));
    assert.deepEqual(await once(worker, 'exit'), [101]);
    server.answerAll(answerOne);
    await Promise.all(greedy.map(({ answer }) => answer));
    server.hold();
  });

  test('a hundred workers end with lookups waiting and running, and leave nothing (F57)', async () => {
    await settle();
    const leaks = leakCheck();
    const threads = countThreads();
    for (let round = 0; round < 10; round++) {
      const workers = Array.from({ length: 10 }, () =>
        startWorker(`
          const { parentPort } = await import('node:worker_threads');
          const names = native.createNames(() => undefined);
          for (let i = 0; i < 10; i++) ask(names, 'hundred.test');
          parentPort.postMessage('asked');`),
      );
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      // At least as many as there are threads have begun, in this round or in one before.
      if (round === 0) await take('hundred.', THREADS);
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    await settle();
    assert.equal(countThreads(), threads);
    // A thread may still look whether a look-up failed for want of a descriptor.
    await leaks.settled();
  });

  test('a worker that ends does not wait for its lookup, and the lookup survives it (F57)', async () => {
    const worker = startWorker(`
      const names = native.createNames(() => undefined);
      ask(names, 'survives.test');`);
    const query = await server.next('survives.');
    await worker.terminate();
    assert.ok(!query.isAnswered);
    // Nothing that it needs was freed or unloaded with the worker: it ends now.
    answerOne(query);
    await settle();
  });

  test('answers that a worker has no time to take are dropped with it (F57)', async () => {
    const worker = startWorker(`
      const { parentPort } = await import('node:worker_threads');
      const names = native.createNames(() => { throw new Error('called'); });
      for (let i = 0; i < 3; i++) ask(names, 'taken.test');
      parentPort.postMessage('asked');
      for (;;);`);
    await once(worker, 'message');
    for (const query of await take('taken.', SHARE)) answerOne(query);
    await settle();
    await worker.terminate();
  });

  test('a worker ends inside the handler (F57)', async () => {
    server.answerAll(answerOne);
    const worker = startWorker(`
      const names = native.createNames(() => process.exit(7));
      for (let i = 0; i < 20; i++) ask(names, 'inside.test');`);
    assert.deepEqual(await once(worker, 'exit'), [7]);
    server.hold();
  });

  const startProcess = (t: TestContext, code: string): Peer =>
    new Peer(t, process.execPath, ['--input-type=module', '-e', PRELUDE + code]);

  /** The next query, if the peer, which is to ask, does not end before. */
  const nextFrom = (peer: Peer): Promise<Query> =>
    Promise.race([
      server.next('stays.'),
      peer.ended.then(({ status, stderr }) => {
        throw new Error(`the peer ended with ${String(status)}: ${stderr}`);
      }),
    ]);

  test('the library stays for a lookup of the only worker that had loaded it (F57)', async (t) => {
    const work = `${PRELUDE}
      ask(native.createNames(() => undefined), 'stays.test');`;
    const peer = new Peer(t, process.execPath, [
      '-e',
      `const { Worker } = require('node:worker_threads');
      const worker = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(work)}`)}));
      process.stdin.once('data', async () => {
        await worker.terminate();
        console.log('ended');
        // Whoever comes next finds it in order.
        process.stdin.once('data', () => {
          new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(work)}`)}));
          process.stdin.destroy();
        });
      });`,
    ]);
    const query = await nextFrom(peer);
    peer.say('end the worker');
    assert.equal(await peer.line(), 'ended');
    answerOne(query);
    peer.say('start another');
    answerOne(await nextFrom(peer));
    assert.deepEqual(await peer.ended, { status: 0, stderr: '' });
  });

  test('a pending lookup keeps the process, and nothing else does', async (t) => {
    const peer = startProcess(
      t,
      `const names = native.createNames((id, { code }) => console.log(id, code));
      ask(names, 'kept.test');`,
    );
    answerOne(await server.next('kept.'));
    assert.equal(await peer.line(), '1 0');
    assert.deepEqual(await peer.ended, { status: 0, stderr: '' });
  });

  /** Ways of a process to end when it hears a line. */
  const ENDS: readonly (readonly [string, string, number | string])[] = [
    ['has cancelled its lookups', 'for (const id of ids) names.cancel(id);', 0],
    ['exits', 'process.exit(3);', 3],
    ['throws', "process.on('uncaughtException', () => process.exit(4)); throw new Error('thrown');", 4],
    ['is killed', "process.kill(process.pid, 'SIGTERM');", 'SIGTERM'],
  ];
  for (const [index, [how, code, status]] of ENDS.entries()) {
    test(`a process that ${how} ends while they run (F58)`, async (t) => {
      const peer = startProcess(
        t,
        `const names = native.createNames(() => console.log('answered'));
        const ids = [1, 2, 3, 4, 5].map(() => ask(names, 'end${String(index)}.test'));
        process.stdin.once('data', () => { process.stdin.destroy(); ${code} });`,
      );
      const name = `end${String(index)}.`;
      const queries = await take(name, SHARE);
      peer.say('end');
      assert.deepEqual(await peer.ended, { status, stderr: '' });
      await assert.rejects(peer.line());
      // They would have been sent again if it had waited.
      assert.equal(server.waiting(name), 0);
      assert.ok(queries.every(({ isAnswered }) => !isAnswered));
      await settle();
    });
  }
}
