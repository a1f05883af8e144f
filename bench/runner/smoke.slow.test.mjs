/** Real slices against real servers, short ones: what they answer must make sense. How fast they are is not judged. */
import assert from 'node:assert/strict';
import os from 'node:os';
import { before, describe, test } from 'node:test';
import { buildNative } from './build.mjs';
import { IdleConnections, measureSlice } from './generator.mjs';
import { measureIdle } from './idle.mjs';
import { BUILD, SERVER_SOURCES } from './paths.mjs';
import { measureRounds } from './rounds.mjs';
import { ServerProcess } from './server-process.mjs';

const skip = process.platform === 'linux' ? false : 'the load generator needs Linux';
const loadCore = os.cpus().length > 1 ? 1 : 0;
const settings = { rounds: 2, sliceMs: 300, warmUpMs: 20, seed: 7, serverCore: 0, loadCore };

const CPP = `${BUILD}/cpp-epoll`;
const NODE = [process.execPath, `${SERVER_SOURCES}/node-net.mjs`];
const ECHO_SERVERS = [
  { name: 'cpp-epoll', command: [CPP, 'echo'] },
  { name: 'node-net', command: [...NODE, 'echo'] },
];
const ACCEPT_SERVERS = [
  { name: 'cpp-epoll', command: [CPP, 'accept'] },
  { name: 'node-net', command: [...NODE, 'accept'] },
];

/**
 * @param {import('./model.mjs').ServerMode | import('./model.mjs').CallerMode} mode
 * @param {number} connections
 */
function definition(mode, connections) {
  return { name: mode, title: mode, mode, connections, baseline: 'node-net', programs: [] };
}

/**
 * @param {readonly string[]} command
 * @param {(server: ServerProcess) => Promise<void>} use
 */
async function withServer(command, use) {
  const server = new ServerProcess(command, settings.serverCore);
  try {
    await server.ready();
    await use(server);
  } finally {
    await server.stop();
  }
}

/** @param {string} body Of a function that is given the connection. */
function scriptedServer(body) {
  const script = `
    const server = require('net').createServer((socket) => { socket.on('error', () => {}); ${body} });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('end', () => process.exit(0)).resume();`;
  return [process.execPath, '-e', script];
}

describe('bench', { skip }, () => {
  before(() => buildNative(() => undefined));

  for (const { mode, connections, servers } of /** @type {const} */ ([
    { mode: 'echo', connections: 1, servers: ECHO_SERVERS },
    { mode: 'echo', connections: 50, servers: ECHO_SERVERS },
    { mode: 'crr', connections: 8, servers: ECHO_SERVERS },
    { mode: 'accept', connections: 8, servers: ACCEPT_SERVERS },
  ])) {
    for (const { name, command } of servers) {
      test(`measureSlice ${mode} over ${String(connections)} connections of ${name} is sane`, async () => {
        await withServer(command, async (server) => {
          const slice = await measureSlice(definition(mode, connections), server, settings);
          assert.ok(slice.requests > 0);
          // The window ends when a batch of events has been handled, not in its middle.
          assert.ok(slice.seconds > 0.02 && slice.seconds < 0.5, String(slice.seconds));
          assert.ok(slice.serverCpuSeconds > 0 && slice.serverCpuSeconds <= slice.seconds * 1.1);
          assert.ok(slice.loadCpuSeconds > 0 && slice.loadCpuSeconds <= slice.seconds * 1.1);
          assert.equal(slice.p50Micros !== undefined, mode === 'echo' && connections === 1);
          if (slice.p50Micros !== undefined) assert.ok((slice.p99Micros ?? 0) >= slice.p50Micros);
        });
      });
    }
  }

  test('measureSlice refuses a server that answers something else', async () => {
    const flips = scriptedServer("socket.on('data', (chunk) => { chunk[40] ^= 1; socket.write(chunk); });");
    await withServer(flips, async (server) => {
      await assert.rejects(measureSlice(definition('echo', 2), server, settings), /something else/u);
    });
  });

  test('measureSlice refuses a server that answers twice', async () => {
    const doubles = scriptedServer(
      "socket.on('data', (chunk) => { socket.write(chunk); socket.write(chunk); });",
    );
    await withServer(doubles, async (server) => {
      await assert.rejects(measureSlice(definition('echo', 1), server, settings), /something else/u);
    });
  });

  test('measureSlice refuses a server that does not answer', async () => {
    await withServer(scriptedServer('socket.resume();'), async (server) => {
      await assert.rejects(measureSlice(definition('echo', 1), server, settings), /without an answer/u);
    });
  });

  test('measureSlice refuses a server that closes where it should echo', async () => {
    await withServer([CPP, 'accept'], async (server) => {
      await assert.rejects(measureSlice(definition('echo', 3), server, settings), /errors, the first/u);
      await assert.rejects(measureSlice(definition('crr', 3), server, settings), /errors, the first/u);
    });
  });

  test('measureRounds visits all servers in each round, and leaves out the one that fails', async () => {
    const broken = { name: 'broken', command: [CPP, 'accept'] };
    const dies = "process.nextTick(() => { throw new TypeError('worn out'); });";
    const mortal = { name: 'mortal', command: scriptedServer(dies) };
    const absent = { name: 'absent', command: ['/nonexistent/program'] };
    const entrants = [...ECHO_SERVERS, broken, mortal, absent];
    const { rounds, failures } = await measureRounds(
      definition('echo', 4),
      entrants,
      settings,
      () => undefined,
    );
    assert.equal(rounds.length, settings.rounds);
    for (const round of rounds) assert.deepEqual(Object.keys(round).sort(), ['cpp-epoll', 'node-net']);
    assert.ok(failures.some(({ server, why }) => server === 'absent' && why.includes('nonexistent')));
    assert.ok(failures.some(({ server, why }) => server === 'broken' && why.includes('left out')));
    assert.deepEqual(
      failures.filter(({ server }) => server === 'mortal').map(({ why }) => why),
      ['it ended with 1: TypeError: worn out'],
    );
    assert.ok(failures.every(({ server }) => !ECHO_SERVERS.some(({ name }) => name === server)));
  });

  test('measureIdle finds that node:net needs memory for its connections', async () => {
    const [entrant] = ECHO_SERVERS.filter(({ name }) => name === 'node-net');
    assert.ok(entrant !== undefined);
    const { rounds, failures } = await measureIdle(
      definition('idle', 2000),
      [entrant],
      { ...settings, rounds: 1 },
      () => undefined,
    );
    assert.deepEqual(failures, []);
    const bytes = rounds[0]?.['node-net']?.bytes;
    assert.ok(bytes !== undefined && bytes > 500 && bytes < 50_000, String(bytes));
  });

  test('IdleConnections.open fails where the server does not echo', async () => {
    await withServer([CPP, 'accept'], async (server) => {
      await assert.rejects(
        IdleConnections.open(definition('idle', 10), server, settings),
        /after \d+ connections/u,
      );
    });
  });

  test('ServerProcess tells why a server did not start', async () => {
    const server = new ServerProcess([process.execPath, '-e', "throw new TypeError('no luck')"], 0);
    await assert.rejects(server.ready(), /TypeError: no luck/u);
    await server.stop();
  });

  test('ServerProcess.stop ends a server that ignores the end of its input', async () => {
    const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log(1)";
    const server = new ServerProcess([process.execPath, '-e', deaf], 0);
    await server.ready();
    const { pid } = server;
    await server.stop();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});
