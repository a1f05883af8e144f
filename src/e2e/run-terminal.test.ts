import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MAIN, makeApp } from './processes.ts';
import { PtyProcess } from './pty.ts';

const LIMIT = { timeout: 20_000 };

function runOnTerminal(
  t: TestContext,
  args: readonly string[],
  size: readonly [number, number] = [90, 24],
  env: NodeJS.ProcessEnv = { TERM: 'xterm-256color' },
): PtyProcess {
  const pty = new PtyProcess([process.execPath, MAIN, 'run', ...args], size, {
    ...process.env,
    NO_COLOR: '',
    ...env,
  });
  t.after(() => {
    // A test that ran out of time was waiting for something else than this.
    if (t.signal.aborted) t.diagnostic(pty.text);
    pty.kill();
  });
  return pty;
}

function openClient(t: TestContext, port: string | undefined): Promise<Socket> {
  const client = connect(Number(port), '127.0.0.1');
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  return new Promise((resolve) =>
    client.on('connect', () => {
      resolve(client);
    }),
  );
}

const TITLE = ' ID  KIND       LOCAL            PEER                  IN      OUT  STATE';

test('portside run shows a live table of the sockets on a terminal', LIMIT, async (t) => {
  const pty = runOnTerminal(t, ['examples/echo-server']);
  const [, port] = await pty.waitFor(/tcpServer {2}127\.0\.0\.1:(\d+) +listening\n1 socket$/);
  assert.ok(pty.text.includes(TITLE), pty.text);
  const client = await openClient(t, port);
  await pty.waitFor(/tcp +127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +0 B +0 B {2}connected\n2 sockets$/);
  client.write(Buffer.alloc(2500));
  await pty.waitFor(/2\.5 kB {3}2\.5 kB {2}connected\n2 sockets$/);
  client.end();
  await pty.waitFor(/listening\n1 socket$/);
  pty.type('\x03');
  const { status } = await pty.ended;
  assert.equal(status, 0);
  // The table is gone, and all else is there, once.
  const text = pty.screen.history().join('\n');
  assert.match(text, /^portside: running Echo Server 1\.0 on native sockets; Ctrl-C stops it\n/);
  assert.equal(text.match(/Echoing on/g)?.length, 1);
  assert.match(text, /portside: stopped by SIGINT, 1 socket closed$/);
  assert.ok(!text.includes('KIND'), text);
});

/** Logs a numbered line for each byte that comes, some to the console's error side. */
const LOGGER = `
  var server = chrome.sockets.tcpServer, tcp = chrome.sockets.tcp, count = 0;
  server.create(function (info) {
    server.listen(info.socketId, '127.0.0.1', 0, function () {});
  });
  server.onAccept.addListener(function (info) { tcp.setPaused(info.clientSocketId, false); });
  tcp.onReceive.addListener(function (info) {
    for (var i = 0; i < info.data.byteLength; i++) {
      count += 1;
      if (count % 3) console.log('message ' + count);
      else console.error('message ' + count);
    }
  });`;

test('portside run lets console output scroll above the table without harm', LIMIT, async (t) => {
  const pty = runOnTerminal(t, [await makeApp(t, LOGGER)], [80, 12]);
  const [, port] = await pty.waitFor(/tcpServer {2}127\.0\.0\.1:(\d+)/);
  const client = await openClient(t, port);
  for (let sent = 0; sent < 200; sent += 8) {
    client.write(Buffer.alloc(8));
    await pty.waitFor(new RegExp(`message ${String(sent + 8)}\\n`));
  }
  await pty.waitFor(/ 200 B +0 B {2}connected\n2 sockets$/);
  const history = pty.screen.history();
  const messages = history.filter((line) => line.includes('message'));
  assert.deepEqual(
    messages,
    Array.from({ length: 200 }, (_, index) => {
      const number = index + 1;
      return `[Test App] ${number % 3 === 0 ? 'error: ' : ''}message ${String(number)}`;
    }),
  );
  assert.equal(history.filter((line) => line.includes('KIND')).length, 1);
  assert.equal(history.filter((line) => line.includes('listening')).length, 1);
});

test('portside run redraws nothing while nothing changes', LIMIT, async (t) => {
  // Time for three redraws at least, and then a sign that it is over.
  const script = `${LOGGER} setTimeout(function () { console.log('a second later'); }, 1000);`;
  const pty = runOnTerminal(t, [await makeApp(t, script)]);
  await pty.waitFor(/listening\n1 socket$/);
  const before = pty.raw.length;
  await pty.waitFor(/a second later/);
  assert.equal(pty.raw.slice(before).split('KIND').length - 1, 1);
});

test('portside run fits the table to the terminal, also when its size changes', LIMIT, async (t) => {
  const pty = runOnTerminal(t, ['examples/echo-server'], [90, 24]);
  const [, port] = await pty.waitFor(/tcpServer {2}127\.0\.0\.1:(\d+) +listening\n1 socket$/);
  for (let count = 0; count < 3; count++) await openClient(t, port);
  await pty.waitFor(/STATE\n[^]*\n4 sockets$/);
  const tables = (): number => pty.screen.history().filter((line) => line.includes(' ID ')).length;
  pty.resize(44, 24);
  await pty.waitFor(/ ID {2}LOCAL {12}PEER\n[^]*\n4 sockets$/);
  assert.equal(tables(), 1, pty.screen.history().join('\n'));
  pty.resize(90, 24);
  await pty.waitFor(/STATE\n[^]*\n4 sockets$/);
  assert.equal(tables(), 1, pty.screen.history().join('\n'));
  // Less high than the table: what has scrolled away cannot be taken back, but the screen shows one table, whole.
  pty.resize(90, 6);
  await pty.waitFor(/^\n ID .*\n.* listening\n4 sockets, 3 of them not shown$/);
});

test(
  'portside run has no table with --no-table or on a dumb terminal, and says where it listens',
  LIMIT,
  async (t) => {
    for (const [args, env] of [
      [['--no-table'], {}],
      [[], { TERM: 'dumb' }],
    ] as const) {
      const pty = runOnTerminal(t, [...args, 'examples/echo-server'], [90, 24], { TERM: 'xterm', ...env });
      await pty.waitFor(/portside: listening on 127\.0\.0\.1:\d+\n[^]*Try it/);
      pty.type('\x03');
      assert.equal((await pty.ended).status, 0);
      assert.ok(!pty.text.includes('KIND'));
    }
  },
);

test('portside run uses colours on a terminal, and none with NO_COLOR', LIMIT, async (t) => {
  const folder = await makeApp(t, "console.warn('careful'); setTimeout(function () {}, 100)");
  const coloured = runOnTerminal(t, [folder]);
  assert.equal((await coloured.ended).status, 0);
  // eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
  assert.match(coloured.raw, /\x1b\[33mwarning: careful\x1b\[39m/);
  const plain = runOnTerminal(t, [folder], [90, 24], { NO_COLOR: '1', TERM: 'xterm' });
  assert.equal((await plain.ended).status, 0);
  // eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
  assert.doesNotMatch(plain.raw, /\x1b\[[\d;]*m/);
});

test('portside run takes the table away before it tells of a failing script', LIMIT, async (t) => {
  const pty = runOnTerminal(t, [await makeApp(t, 'throw new Error("no")')]);
  assert.equal((await pty.ended).status, 1);
  assert.match(pty.text, /background\.js:1:7: Uncaught Error: no\n/);
  assert.ok(!pty.text.includes('KIND'), pty.text);
});
