import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { relative } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ROOT, makeApp, makeFolder, startPortside } from './processes.ts';
import type { Ending } from './processes.ts';

const LIMIT = { timeout: 60_000 };

function portside(t: TestContext, ...args: readonly string[]): Promise<Ending> {
  return startPortside(t, args).ended;
}

test('portside without a command, and with --help, teaches', LIMIT, async (t) => {
  const help = await portside(t, '--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /portside run examples\/echo-server/);
  assert.match((await portside(t, 'run', '--help')).stdout, /Ctrl-C closes all sockets/);
  const bare = await portside(t);
  assert.equal(bare.status, 1);
  assert.match(bare.stderr, /Usage: portside/);
  assert.match((await portside(t, '--version')).stdout, /^\d+\.\d+\.\d+\n$/);
});

/** Arguments that cannot be, and what is said of them. */
const USAGE: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['rum', 'x'], /unknown command 'rum'\n\(Did you mean run\?\)/],
  [['run'], /missing required argument 'DIR'/],
  [['run', 'a', 'b'], /too many arguments/],
  [['run', '--no-tabel', 'a'], /unknown option '--no-tabel'\n\(Did you mean --no-table\?\)/],
  [['run', '--provider', 'x', 'a'], /Allowed choices are native, portable/],
];

for (const [args, message] of USAGE) {
  test(`portside ${args.join(' ')} is refused with help`, LIMIT, async (t) => {
    const { status, stderr, stdout } = await portside(t, ...args);
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.equal(stdout, '');
  });
}

const APP = '"app": {"background": {"scripts": ["b.js"]}}';
/** The same with a script that is there. */
const HERE = APP.replace('b.js', 'manifest.json');

/** Manifests that cannot be, and the one line that is said of each. */
const MANIFESTS: readonly (readonly [name: string, manifest: string, line: string])[] = [
  ['invalid JSON', '{\n  "name": "x"\n  "version": "1"\n}', "3:3: expected ','"],
  [
    'a bad pattern',
    `{"manifest_version": 2, "name": "x", "version": "1", ${HERE},\n "sockets": {"tcp": {"connect": ["a:80", "a:80-90"]}}}`,
    "2:42: sockets.tcp.connect[1]: Invalid host:port pattern 'a:80-90'",
  ],
  [
    'a missing script',
    `{"manifest_version": 2, "name": "x", "version": "1",\n ${APP}}`,
    '2:37: app.background.scripts[0]: DIR/b.js does not exist',
  ],
  ['a missing key', `{"manifest_version": 2, "version": "1", ${HERE}}`, '1:1: name: is missing'],
  [
    'a wrong type',
    `{"manifest_version": "2", "name": "x", "version": "1", ${HERE}}`,
    '1:22: manifest_version: must be 2, the version that Chrome Apps have',
  ],
];

for (const [name, manifest, line] of MANIFESTS) {
  test(`portside run refuses a manifest with ${name}, with its place`, LIMIT, async (t) => {
    const folder = await makeFolder(t, { 'manifest.json': manifest });
    const { status, stderr, stdout } = await portside(t, 'run', folder);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.equal(stderr, `${folder}/manifest.json:${line.replace('DIR', folder)}\n`);
  });
}

test('portside run shows paths as they were given', LIMIT, async (t) => {
  const folder = relative(ROOT, await makeFolder(t, {}));
  const { status, stderr } = await portside(t, 'run', `./${folder}/`);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    `${folder}/manifest.json: does not exist; give the folder that holds the app's manifest.json\n`,
  );
});

test('portside run ends with 1 and the place when a script fails while loading', LIMIT, async (t) => {
  const folder = await makeApp(
    t,
    "console.log('begins');\nfunction start() {\n  document.write('x');\n}\nstart();\n",
  );
  const { status, stderr, stdout } = await portside(t, 'run', folder);
  assert.equal(status, 1);
  assert.equal(stdout, '[Test App] begins\n');
  const file = `${folder}/background.js`;
  assert.deepEqual(stderr.trimEnd().split('\n').slice(1), [
    `${file}:3:3: Uncaught ReferenceError: document is not defined`,
    `    at start (${file}:3:3)`,
    `    at ${file}:5:1`,
    "  (Portside runs an app's background scripts, which have no document or pages)",
  ]);
});

test('portside run ends with 1 and the place of a syntax error', LIMIT, async (t) => {
  const folder = await makeApp(t, 'var a = 1;\nvar b = = 2;\n');
  const { status, stderr } = await portside(t, 'run', folder);
  assert.equal(status, 1);
  assert.match(stderr, /background\.js:2:9: Uncaught SyntaxError: Unexpected token '='\n$/);
});

test('portside run says that an app has nothing left to do, and ends with 0', LIMIT, async (t) => {
  const { status, stderr, stdout } = await portside(
    t,
    'run',
    await makeApp(t, "setTimeout(() => console.log('done'), 10);"),
  );
  assert.equal(status, 0);
  assert.equal(stdout, '[Test App] done\n');
  assert.match(stderr, /portside: Test App has nothing left to do: no open socket, no timer\n$/);
});

test(
  'portside run reports what listeners, timers, promises and event targets throw, and goes on',
  LIMIT,
  async (t) => {
    const folder = await makeApp(
      t,
      `chrome.app.runtime.onLaunched.addListener(function launched() { throw new Error('one'); });
    setTimeout(function () { throw new Error('two'); }, 1);
    setTimeout(function () { Promise.reject(new Error('three')); }, 10);
    var reader = new FileReader();
    reader.onload = function () { throw new Error('four'); };
    setTimeout(function () { reader.readAsText(new Blob(['x'])); }, 20);
    chrome.sockets.tcp.create(function () { throw new Error('five'); });
    setTimeout(function () { console.log('still here'); }, 60);`,
    );
    const { status, stderr, stdout } = await portside(t, 'run', folder);
    assert.equal(status, 0);
    assert.equal(stdout, '[Test App] still here\n');
    const told = [...stderr.matchAll(/error: (Uncaught .*)\n\[Test App\] {5}at .*background\.js:(\d+):/g)];
    assert.deepEqual(told.map(([, message, line]) => `${message ?? ''} ${line ?? ''}`).sort(), [
      'Uncaught (in promise) Error: three 3',
      'Uncaught Error: five 7',
      'Uncaught Error: four 5',
      'Uncaught Error: one 1',
      'Uncaught Error: two 2',
    ]);
  },
);

test('portside run holds an app to its permissions', LIMIT, async (t) => {
  const script = `
    var tcp = chrome.sockets.tcp, server = chrome.sockets.tcpServer;
    function tell(what) {
      return function (result) {
        console.log(what, result, chrome.runtime.lastError && chrome.runtime.lastError.message);
      };
    }
    tcp.create(function (info) {
      tcp.connect(info.socketId, 'localhost', 9, tell('other host'));
      tcp.connect(info.socketId, '127.0.0.1', 10, tell('other port'));
    });
    server.create(function (info) {
      server.listen(info.socketId, '0.0.0.0', 0, tell('other address'));
      server.listen(info.socketId, '127.0.0.1', 0, tell('allowed'));
    });`;
  const sockets = { tcp: { connect: '127.0.0.1:9' }, tcpServer: { listen: '127.0.0.1' } };
  const run = startPortside(t, ['run', await makeApp(t, script, { sockets })]);
  const refused = 'undefined Does not have permission';
  await run.waitFor(/allowed 0 undefined/);
  for (const what of ['other host', 'other port', 'other address']) {
    await run.waitFor(new RegExp(`${what} ${refused}\\n`));
  }
  assert.match(run.output, /listening on 127\.0\.0\.1:\d+/);
  assert.equal((await run.stop()).status, 0);
});

test(
  'portside run warns of an app without the sockets key, which has no chrome.sockets',
  LIMIT,
  async (t) => {
    const folder = await makeApp(t, 'console.log(typeof chrome.sockets, "sockets" in chrome)', {
      sockets: undefined,
    });
    const { stderr, stdout } = await portside(t, 'run', folder);
    assert.equal(stdout, '[Test App] undefined false\n');
    assert.match(
      stderr,
      /^warning: .*manifest\.json:1:1: sockets: is missing, so the app has no chrome\.sockets\n/,
    );
  },
);

test('portside run shows control characters rather than obeying them', LIMIT, async (t) => {
  const { stdout } = await portside(t, 'run', await makeApp(t, "console.log('\\x1b[2Jx\\x07')"));
  assert.equal(stdout, '[Test App] \\x1b[2Jx\\x07\n');
});

/** Sends without end to whoever connects. */
const FLOOD = `
  var server = chrome.sockets.tcpServer, tcp = chrome.sockets.tcp;
  server.create(function (info) {
    server.listen(info.socketId, '127.0.0.1', 0, function () {
      server.getInfo(info.socketId, function (own) { console.log('Echoing on 127.0.0.1:' + own.localPort); });
    });
  });
  server.onAccept.addListener(function (info) {
    tcp.send(info.clientSocketId, new ArrayBuffer(50000000), function () {});
    console.log('flooding');
  });
  chrome.runtime.onSuspend.addListener(function () { console.log('suspended'); });`;

test('portside run ends at once with 130 at a second Ctrl-C', LIMIT, async (t) => {
  const run = startPortside(t, ['run', await makeApp(t, FLOOD)]);
  const [, port] = await run.waitFor(/127\.0\.0\.1:(\d+)\n/);
  const client = connect(Number(port), '127.0.0.1').pause();
  t.after(() => client.destroy());
  client.on('error', () => undefined);
  await run.waitFor(/flooding/);
  // The app's end waits for what it has sent: the client does not read.
  run.child.kill('SIGINT');
  await run.waitFor(/suspended/);
  assert.equal((await run.stop('SIGINT')).status, 130);
});

test('portside run does not wait for ever for a client that does not read', LIMIT, async (t) => {
  const run = startPortside(t, ['run', await makeApp(t, FLOOD)]);
  const [, port] = await run.waitFor(/127\.0\.0\.1:(\d+)\n/);
  const client = connect(Number(port), '127.0.0.1').pause();
  t.after(() => client.destroy());
  client.on('error', () => undefined);
  await run.waitFor(/flooding/);
  assert.equal((await run.stop('SIGTERM')).status, 0);
});

test('portside run stops in good order when nobody reads its output any more', LIMIT, async (t) => {
  const run = startPortside(t, ['run', await makeApp(t, "setInterval(() => console.log('tick'), 5)")]);
  await run.waitFor(/tick/);
  run.child.stdout.destroy();
  const { status, stderr } = await run.ended;
  assert.equal(status, 0);
  assert.match(stderr, /portside: stopped: nobody reads the output any more/);
});
