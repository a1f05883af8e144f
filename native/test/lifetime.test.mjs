/**
 * Ends of the native module that come at a bad time. Each is a process of its own, so that what crashes is one test.
 * Run by `npm run test:native`, under sanitizers.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import test from 'node:test';

const MODULE = process.env.PORTSIDE_NATIVE_MODULE;
assert.ok(MODULE, 'npm run test:native sets PORTSIDE_NATIVE_MODULE');

/** What every script begins with. `connection` connects two handles of a reactor, one of which says something. */
const PRELUDE = `
  const native = require(${JSON.stringify(MODULE)});
  const { AF_INET, SOCK_STREAM } = native.constants;
  const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
  const SLOTS = 2 ** 20;
  function connection(usePoll, onData, owned = false, busyPoll = 0) {
    let server;
    const reactor = native.createReactor((count) => {
      for (let at = 0; at < 4 * count; at += 4) {
        const [kind, slot, a, b] = reactor.events.subarray(at, at + 4);
        if (kind === 8) reactor.startReading((server = b * SLOTS + a), 65536, owned);
        if (kind === 7) reactor.write(client, Uint8Array.of(1, 2, 3));
        if (kind === 1 || kind === 2) onData(reactor, client, server, listener);
      }
    }, usePoll, false, busyPoll, false);
    const listener = reactor.socket(AF_INET, SOCK_STREAM, 0);
    reactor.bind(listener, 4, LOOPBACK, 0, 0);
    reactor.listen(listener, 8);
    reactor.startAccepting(listener);
    reactor.localAddress(listener);
    const client = reactor.socket(AF_INET, SOCK_STREAM, 0);
    reactor.connect(client, 4, LOOPBACK, reactor.scratch[1] * 256 + reactor.scratch[2], 0);
    return reactor;
  }
  const inWorker = (work) => {
    const { Worker } = require('node:worker_threads');
    return new Worker(PRELUDE + '(' + work + ')(require("node:worker_threads").parentPort)', { eval: true });
  };
`;

/** Runs `script` to its end; it has to print exactly `expected`, and to end well. */
function runs(name, script, expected, code = 0) {
  for (const poller of ['epoll', 'poll']) {
    test(`${name} (${poller})`, () => {
      const head = `const PRELUDE = ${JSON.stringify(PRELUDE)}; const usePoll = ${String(poller === 'poll')};`;
      const result = spawnSync(
        process.execPath,
        ['--expose-gc', '-e', `${head}${PRELUDE}${script.replaceAll('$POLL', String(poller === 'poll'))}`],
        { encoding: 'utf8', timeout: 60_000 },
      );
      assert.deepEqual(
        { out: result.stdout.trim(), code: result.status, signal: result.signal },
        { out: expected, code, signal: null },
        result.stderr,
      );
    });
  }
}

runs(
  'dispose in the handler ends the process',
  `connection(usePoll, (reactor) => { reactor.dispose(); reactor.dispose(); console.log('disposed'); });`,
  'disposed',
);

runs(
  'an exception whose handler disposes',
  `process.on('uncaughtException', (error) => { console.log(error.message); reactor.dispose(); });
   const reactor = connection(usePoll, () => { throw new Error('thrown'); });`,
  'thrown',
);

runs(
  'process.exit in the handler',
  `connection(usePoll, () => { console.log('exit'); process.exit(7); });`,
  'exit',
  7,
);

runs(
  'what is never disposed does not keep the process, and is not collected from under it',
  `let seen = 0;
   for (let i = 0; i < 20; i++) {
     connection(usePoll, (reactor, client, server, listener) => {
       gc();
       if (++seen === 20) console.log('all');
       for (const handle of [client, server, listener]) reactor.reference(handle, false);
     });
   }
   gc();`,
  'all',
);

runs(
  'functions outlive their reactor and the garbage collector',
  `let { write, dispose } = connection(usePoll, () => undefined);
   dispose();
   setImmediate(() => setImmediate(() => {
     gc();
     try { write(1, LOOPBACK); } catch (error) { console.log(error.code); }
     write = dispose = undefined;
     gc();
   }));`,
  'ERR_DISPOSED',
);

runs(
  'a worker ends with open sockets',
  `inWorker((port) => { connection($POLL, () => port.postMessage('data')); })
     .on('message', function () { this.terminate().then((code) => console.log('ended', code)); });`,
  'ended 1',
);

runs(
  'a worker is terminated inside the handler',
  `inWorker((port) => { connection($POLL, () => { port.postMessage('data'); for (;;); }); })
     .on('message', function () { this.terminate().then((code) => console.log('ended', code)); });`,
  'ended 1',
);

runs(
  'a worker exits inside the handler',
  `inWorker(() => { connection($POLL, () => process.exit(5)); }).on('exit', (code) => console.log('ended', code));`,
  'ended 5',
);

runs(
  'a worker disposes as it ends',
  `inWorker(() => {
     const reactor = connection($POLL, () => { reactor.dispose(); process.exit(5); });
   }).on('exit', (code) => console.log('ended', code));`,
  'ended 5',
);

runs(
  'a worker throws inside the handler',
  `inWorker(() => { connection($POLL, () => { throw new Error('thrown'); }); })
     .on('error', (error) => console.log(error.message)).on('exit', (code) => console.log('ended', code));`,
  'thrown\nended 1',
);

runs(
  'dispose in the handler ends a process that polls busily',
  `connection(usePoll, (reactor) => { reactor.dispose(); console.log('disposed'); }, false, 1000);`,
  'disposed',
);

runs(
  'a worker that polls busily is terminated',
  `inWorker((port) => {
     const echo = (reactor, client, server) => { reactor.write(client, LOOPBACK); port.postMessage('data'); };
     connection($POLL, echo, false, 1000);
   }).once('message', function () { this.terminate().then((code) => console.log('ended', code)); });`,
  'ended 1',
);

runs(
  'a worker that polls busily exits',
  `inWorker(() => { connection($POLL, () => setImmediate(() => process.exit(5)), false, 1000); })
     .on('exit', (code) => console.log('ended', code));`,
  'ended 5',
);

runs(
  'bytes whose getter disposes of the reactor are refused, not sent',
  `const reactor = connection(usePoll, () => undefined);
   const trap = (work) => {
     const bytes = new Uint8Array(0);
     Object.defineProperty(bytes.buffer, 'resizable', { get: work });
     return bytes;
   };
   const attempt = (work) => { try { console.log(work()); } catch (error) { console.log(error.message); } };
   attempt(() => reactor.write(1, trap(() => { throw new Error('mine'); })));
   attempt(() => reactor.bind(1, 1, trap(() => { throw new Error('mine'); }), 0, 0));
   attempt(() => reactor.write(1, trap(() => reactor.dispose())));
   attempt(() => reactor.bind(1, 1, trap(() => reactor.dispose()), 0, 0));`,
  'mine\nmine\nthe reactor is disposed of\nthe reactor is disposed of',
);

runs(
  'memory that a program has detached is not written to, and not needed',
  `require('node:v8').setFlagsFromString('--allow-natives-syntax');
   const detach = new Function('buffer', '%ArrayBufferDetach(buffer)');
   let chunks = 0;
   const reactor = connection(usePoll, (reactor, client) => {
     if (++chunks === 1) {
       detach(slab.buffer);
       detach(reactor.scratch.buffer);
     }
     for (let i = 0; i < 20; i++) { gc(); new Uint8Array(4 * 1024 * 1024); }
     reactor.remoteAddress(client);
     if (chunks < 20) reactor.write(client, LOOPBACK);
     else {
       detach(reactor.events.buffer);
       console.log(slab.length, reactor.slab().length);
       reactor.dispose();
     }
   }, true);
   const slab = reactor.slab();`,
  '0 4194304',
);
