/** Servers that go wrong: the load generator must say so. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { buildNative } from './build.mjs';
import { measureSlice } from './generator.mjs';
import { settings, skip } from './server-checks.mjs';
import { ServerProcess } from './server-process.mjs';

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

describe('wrong servers', { skip }, () => {
  before(() => buildNative(() => undefined));

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
