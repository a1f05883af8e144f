/** Every test that loads servers, for short slices: what it finds must make sense. How fast they are is not judged. */
import assert from 'node:assert/strict';
import os from 'node:os';
import { before, describe, test } from 'node:test';
import { buildNative } from './build.mjs';
import { measureSlice } from './generator.mjs';
import { equip, lineUp } from './line-up.mjs';
import { measureRounds } from './rounds.mjs';
import { ServerProcess } from './server-process.mjs';
import { SERVERS } from './servers.mjs';
import { operationOf, TESTS } from './tests.mjs';
import { isTimed, unitOf } from './units.mjs';

const skip = process.platform === 'linux' ? false : 'the load generator needs Linux';
const loadCore = os.cpus().length > 1 ? 1 : 0;
const settings = { rounds: 1, sliceMs: 200, warmUpMs: 20, seed: 7, serverCore: 0, loadCore };

/** Tests download nothing. */
const wanted = SERVERS.filter(({ runtime }) => ['node', 'native'].includes(runtime));

/** The idle connections have a test of their own. */
const loaded = TESTS.filter((item) => operationOf(item) === undefined && item.mode !== 'idle');

/** The most CPU that one of a test may take on a machine that others use too, in microseconds. */
const MOST_MICROS = { request: 20_000, datagram: 2000, KiB: 500 };

/** @param {import('./model.mjs').TestDefinition} definition @param {import('./model.mjs').Sample} sample */
function assertSane(definition, sample) {
  const { cpuMicros = 0, rate = 0, loadBusy = 0, p50Micros, p99Micros } = sample;
  const most = MOST_MICROS[/** @type {keyof MOST_MICROS} */ (unitOf(definition).one)];
  assert.ok(cpuMicros > 0 && cpuMicros < most, `${String(cpuMicros)} µs`);
  assert.ok((cpuMicros * rate) / 1e6 < 1.2, `${String(rate)}/s`);
  assert.ok(loadBusy > 0 && loadBusy < 1.1);
  assert.equal(p50Micros !== undefined, isTimed(definition));
  if (p50Micros !== undefined) assert.ok((p99Micros ?? 0) >= p50Micros);
}

/**
 * A server of datagrams or of streams that goes wrong.
 *
 * @param {'dgram' | 'net'} kind
 * @param {string} body Of a function that is given the bytes, and a function that answers.
 */
function scripted(kind, body) {
  const handle = `const handle = (bytes, answer) => { ${body} };`;
  const start =
    kind === 'dgram'
      ? `const socket = require('dgram').createSocket('udp4');
         socket.on('message', (b, { port, address }) => handle(b, (out) => socket.send(out, port, address)));
         socket.bind(0, '127.0.0.1', () => console.log(socket.address().port));`
      : `const server = require('net').createServer((socket) => {
           socket.on('error', () => {});
           socket.on('data', (b) => handle(b, (out) => socket.write(out)));
         });
         server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const script = `let n = 0; ${handle} ${start} process.stdin.on('end', () => process.exit(0)).resume();`;
  return [process.execPath, '-e', script];
}

/** Kinds, modes, what the server does wrong, what the load generator says to that. */
// prettier-ignore
const WRONGS = /** @type {const} */ ([
  ['dgram', 'udp-echo',    'bytes[40] ^= 1; answer(bytes);',                                            /something else/u],
  ['dgram', 'udp-echo',    'answer(bytes); answer(bytes);',                                             /something else/u],
  ['dgram', 'udp-echo',    'if (n++ > 0) answer(bytes);',                                               /without an answer/u],
  ['dgram', 'udp-receive', 'if (bytes[0] === 255) answer("read " + n + "\\n"); else n += 2;',           /more or fewer/u],
  ['dgram', 'udp-receive', '',                                                                          /did not tell/u],
  ['dgram', 'udp-send',    'answer(bytes[2] === 97 ? "x".repeat(64) : "sent 1\\n");',                   /something else/u],
  ['dgram', 'udp-send',    'if (bytes[2] === 111) answer("sent 5\\n");',                                /more or fewer/u],
  ['net',   'receive',     'n += bytes.length - 1; if (bytes.at(-1) === 255) answer(n + "\\n");',       /more or less/u],
  ['net',   'receive',     'if (bytes.at(-1) === 255) n++;',                                            /did not tell/u],
  ['net',   'send',        'answer(Buffer.alloc(65536, 1));',                                           /something else/u],
]);

describe('servers', { skip }, () => {
  /** @type {import('./line-up.mjs').Equipment} */
  let equipment;
  before(async () => {
    const noTls = await buildNative(() => undefined);
    equipment = await equip(wanted, undefined, noTls, () => undefined);
  });

  for (const definition of loaded) {
    test(`measureRounds of ${definition.name} has a sane figure of each server`, async (t) => {
      if (definition.tls === true && equipment.noTls !== undefined) {
        t.skip(equipment.noTls);
        return;
      }
      const { entrants } = lineUp(definition, wanted, equipment);
      const { rounds, failures } = await measureRounds(definition, entrants, settings, () => undefined);
      assert.deepEqual(failures, []);
      assert.equal(rounds.length, settings.rounds);
      for (const round of rounds) {
        assert.deepEqual(Object.keys(round).sort(), entrants.map(({ name }) => name).sort());
        for (const sample of Object.values(round)) assertSane(definition, sample);
      }
    });
  }

  for (const [kind, mode, body, expected] of WRONGS) {
    test(`measureSlice ${mode} refuses a server that does: ${body}`, async () => {
      const server = new ServerProcess(scripted(kind, body), settings.serverCore);
      const definition = { name: mode, title: mode, mode, connections: 1, baseline: '', programs: [] };
      try {
        await server.ready();
        await assert.rejects(measureSlice(definition, server, settings), expected);
      } finally {
        await server.stop();
      }
    });
  }
});
