/** Native sockets that end at a bad time: with their process, their thread, or the garbage collector (F57, F58). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

import { openDescriptors } from '../testing/node/leak-check.ts';

/** What every script begins with: `connect` makes sockets with a pair, and watches one end, which is ready to be read. */
const PRELUDE = `
  const load = () => import(${JSON.stringify(new URL('load.js', import.meta.url).href)});
  const { readdirSync } = require('node:fs');
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  function connect(native, onReady) {
    const { AF_UNIX, SOCK_STREAM } = native.constants;
    const sockets = native.createSockets((count) => onReady(sockets, near, count), USE_POLL);
    const near = sockets.pair(AF_UNIX, SOCK_STREAM, 0);
    const far = sockets.idAt(new Int32Array(sockets.slab().buffer)[0]);
    sockets.send(far, 10, 0);
    sockets.watch(near, 1);
    return sockets;
  }
  const inWorker = (work) => {
    const { Worker } = require('node:worker_threads');
    const code = PRELUDE + 'load().then(({ loadNative }) => (' + work + ')(loadNative(), require("node:worker_threads").parentPort))';
    return new Worker(code, { eval: true });
  };
`;

const preludeFor = (usePoll: boolean): string => `const USE_POLL = ${String(usePoll)};\n${PRELUDE}`;

/** Runs a script, which has `native`, to its end; it must print exactly `expected`, and end well. */
function testScript(name: string, script: string, expected: string, code = 0): void {
  for (const usePoll of [false, true]) {
    test(`${name} (${usePoll ? 'poll' : 'epoll'})`, () => {
      const prelude = preludeFor(usePoll);
      const head = `const PRELUDE = ${JSON.stringify(prelude)};\n${prelude}`;
      const whole = `${head} load().then(async ({ loadNative }) => { const native = loadNative(); ${script} });`;
      const result = spawnSync(process.execPath, ['--expose-gc', '-e', whole], {
        encoding: 'utf8',
        timeout: 120_000,
      });
      assert.deepEqual(
        { out: result.stdout.trim(), code: result.status, signal: result.signal },
        { out: expected, code, signal: null },
        result.stderr,
      );
    });
  }
}

testScript(
  'a watch does not keep the process, unless it is asked to',
  `const sockets = connect(native, () => console.log('not heard'));`,
  '',
);

testScript(
  'reference keeps the process until it is taken back',
  `const sockets = connect(native, () => { console.log('heard'); sockets.reference(false); });
   sockets.reference(true);`,
  'heard',
);

testScript(
  'dispose inside the handler, twice, ends the process',
  `const sockets = connect(native, () => { sockets.dispose(); sockets.dispose(); console.log('disposed'); });
   sockets.reference(true);`,
  'disposed',
);

testScript(
  'process.exit inside the handler',
  `connect(native, () => { console.log('exit'); process.exit(7); }).reference(true);`,
  'exit',
  7,
);

testScript(
  'an exception in the handler that nobody catches ends the process',
  `process.on('exit', (code) => console.log('code', code));
   connect(native, () => { throw new Error('thrown'); }).reference(true);`,
  'code 1',
  1,
);

testScript(
  'the process ends with open sockets and watches of many spaces',
  `for (let i = 0; i < 20; i++) connect(native, () => undefined);
   console.log('end');`,
  'end',
);

testScript(
  'functions outlive their sockets and the garbage collector',
  `let { send, dispose } = connect(native, () => undefined);
   dispose();
   await turn();
   gc();
   await turn();
   try { send(1, 1, 0); } catch (error) { console.log(error.code); }
   send = dispose = undefined;
   gc();
   await turn();
   gc();`,
  'ERR_DISPOSED',
);

testScript(
  'sockets that were dropped without a watch are closed by the garbage collector (F08)',
  `const before = descriptors();
   const drop = () => {
     const sockets = native.createSockets(Function.prototype, USE_POLL);
     for (let i = 0; i < 10; i++) sockets.socket(native.constants.AF_UNIX, native.constants.SOCK_STREAM, 0);
   };
   for (let i = 0; i < 10; i++) drop();
   for (let i = 0; i < 50 && descriptors() > before; i++) { gc(); await turn(); }
   console.log(descriptors() - before);`,
  '0',
);

testScript(
  'sockets with a watch are not collected from under it',
  `let heard = 0;
   for (let i = 0; i < 10; i++) {
     connect(native, (sockets) => { gc(); if (++heard === 10) console.log('all'); sockets.reference(false); }).reference(true);
   }
   gc();`,
  'all',
);

testScript(
  'a slab that a program has detached is not written to, and not needed',
  `require('node:v8').setFlagsFromString('--allow-natives-syntax');
   const detach = new Function('buffer', '%ArrayBufferDetach(buffer)');
   let rounds = 0;
   const sockets = connect(native, (self, near) => {
     for (let i = 0; i < 5; i++) { gc(); new Uint8Array(4 * 1024 * 1024); }
     while (self.recv(near, 100, native.constants.MSG_DONTWAIT) > 0);
     if (++rounds < 10) { self.watch(near, 1); self.send(far, 1, 0); return; }
     console.log(slab.length, self.slab().length);
     self.dispose();
   });
   const far = sockets.idAt(1);
   const slab = sockets.slab();
   detach(slab.buffer);
   sockets.reference(true);`,
  '0 4194304',
);

testScript(
  'a worker ends by itself with open sockets and a watch',
  `inWorker((native) => { connect(native, () => undefined); }).on('exit', (code) => console.log('ended', code));`,
  'ended 0',
);

testScript(
  'a worker is terminated inside the handler',
  `inWorker((native, port) => { connect(native, () => { port.postMessage('here'); for (;;); }).reference(true); })
     .on('message', function () { this.terminate().then((code) => console.log('ended', code)); });`,
  'ended 1',
);

testScript(
  'a worker exits inside the handler',
  `inWorker((native) => { connect(native, () => process.exit(5)).reference(true); })
     .on('exit', (code) => console.log('ended', code));`,
  'ended 5',
);

testScript(
  'a worker disposes as it ends',
  `inWorker((native) => { connect(native, (sockets) => { sockets.dispose(); process.exit(5); }).reference(true); })
     .on('exit', (code) => console.log('ended', code));`,
  'ended 5',
);

testScript(
  'a worker throws inside the handler',
  `inWorker((native) => { connect(native, () => { throw new Error('thrown'); }).reference(true); })
     .on('error', (error) => console.log(error.message)).on('exit', (code) => console.log('ended', code));`,
  'thrown\nended 1',
);

/** In a worker: many open sockets, watches with and without pending events, some that close in the handler. */
const BUSY = `load().then(({ loadNative }) => {
  const native = loadNative();
  const { AF_UNIX, SOCK_STREAM } = native.constants;
  for (let i = 0; i < 3; i++) connect(native, (sockets, near) => {
    sockets.recv(near, 1, 0);
    sockets.send(near, 1, 0);
    const id = sockets.pair(AF_UNIX, SOCK_STREAM, 0);
    sockets.watch(id, 1);
    sockets.watch(near, 1);
    if (sockets.live() > 200) for (let slot = 4; slot < 100; slot++) sockets.close(sockets.idAt(slot));
  }).reference(true);
  require('node:worker_threads').parentPort.postMessage('busy');
});`;

/** Where a worker is ended: before it has begun, or when it says that it is busy. */
async function endOne(usePoll: boolean, isEarly: boolean): Promise<void> {
  const worker = new Worker(preludeFor(usePoll) + BUSY, { eval: true });
  await once(worker, isEarly ? 'online' : 'message');
  await worker.terminate();
}

/**
 * Descriptors but for those of files: Node leaves a module open that it is just reading when its thread is terminated.
 */
const countSockets = (): number =>
  [...openDescriptors().values()].filter((what) => !what.startsWith('/')).length;

/** Under sanitizers, which are what the variable is for, a worker takes far longer. */
const ROUNDS = process.env['PORTSIDE_NATIVE_MODULE'] === undefined ? 25 : 5;

test('workers are terminated with open sockets, watches and events, a hundred of them, and leave nothing (F57)', async () => {
  // The first one may open what the process keeps.
  await endOne(false, false);
  const before = countSockets();
  for (let round = 0; round < ROUNDS; round++) {
    const ends = [0, 1, 2, 3].map((i) => endOne(i % 2 === 1, (round + i) % 5 === 0));
    await Promise.all(ends);
  }
  assert.equal(countSockets(), before);
});
