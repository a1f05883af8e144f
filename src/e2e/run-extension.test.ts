import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { freshConfig, makeExtension, runExtension } from './extension-kit.ts';
import { Process, ROOT, makeFolder, runProgram } from './processes.ts';

const LIMIT = { timeout: 60_000 };

async function curl(...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runProgram('curl', ['-sS', '--max-time', '20', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

async function serve(t: TestContext): Promise<{ portside: Process; url: string }> {
  const portside = runExtension(t, await freshConfig(t), 'examples/http-extension');
  const [, port = ''] = await portside.waitFor(/serving http:\/\/localhost:(\d+)\//);
  return { portside, url: `http://127.0.0.1:${port}` };
}

test('the HTTP extension serves curl, again and again on one connection', LIMIT, async (t) => {
  const { portside, url } = await serve(t);
  const page = await curl('-i', `${url}/`);
  assert.match(page, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(page, /<h1>Hello from an extension<\/h1>/);
  const write = ['-o', '/dev/null', '-w', '%{http_code} %{num_connects}\n'];
  const both = [...write, `${url}/time`, '--next', ...write, `${url}/nothing`];
  assert.equal(await curl(...both), '200 1\n404 0\n');
  assert.match(await curl('--head', `${url}/`), /Content-Length: 100\r\n/);
  assert.match(await curl('-i', '-X', 'DELETE', `${url}/`), /^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n/);
  assert.equal((await portside.stop()).status, 0);
  assert.match(portside.output, /stopped by SIGINT, 1 socket closed/);
});

/** The visitor knows one port, which may be taken here. */
async function visitorOf(t: TestContext, port: string): Promise<string> {
  const files: Record<string, string> = {};
  for (const name of ['manifest.json', 'visitor.js'])
    files[name] = (await readFile(join(ROOT, 'examples/chat-visitor', name), 'utf8')).replaceAll(
      '7010',
      port,
    );
  return makeFolder(t, files);
}

test('two extensions chat, and whoever comes by socat with them', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const room = runExtension(t, env, 'examples/chat-room');
  const [, port = ''] = await room.waitFor(/the room is open on port (\d+)/);
  const person = new Process('socat', ['-', `TCP:127.0.0.1:${port}`]);
  t.after(() => person.child.kill('SIGKILL'));
  person.child.stdin.write('Ada\n');
  await person.waitFor(/welcome, Ada; here: Ada\n/);
  const visitor = runExtension(t, env, await visitorOf(t, port), '--grant', 'tcp-connect:localhost:*');
  await visitor.waitFor(/Chat Visitor asked for tcp-connect:localhost:\d+: granted by --grant/);
  await visitor.waitFor(/welcome, Visitor; here: Ada, Visitor/);
  await person.waitFor(/Visitor comes in\nVisitor: hello everybody\n/);
  person.child.stdin.write('hello, Visitor\n');
  await visitor.waitFor(/Ada: hello, Visitor/);
  await person.waitFor(/Visitor: good to meet you, Ada\n/);
  await visitor.stop();
  await person.waitFor(/Visitor leaves\n/);
  await room.stop();
  await person.ended;
  assert.match(room.output, /Visitor comes in from 127\.0\.0\.1/);
});

const REQUEST = `
  const wanted = { permissions: ['tcp-connect:127.0.0.1:9'] };
  console.log('before', 'TCPSocket' in browser, typeof (browser.TCPSocket || {}).connect);
  browser.permissions.request(wanted).then(async (isGranted) => {
    console.log('granted', isGranted, typeof (browser.TCPSocket || {}).connect);
    try {
      const socket = await browser.TCPSocket.connect({ host: '127.0.0.1', port: 9 });
      await socket.opened;
    } catch (error) {
      console.log('connect:', error.message);
    }
  });`;
const OPTIONAL = { permissions: [], optional_permissions: ['tcp-connect:*:*'] };

test('portside run asks nobody where there is no terminal, and says so', LIMIT, async (t) => {
  const folder = await makeExtension(t, REQUEST, OPTIONAL);
  const { status, stdout, stderr } = await runExtension(t, await freshConfig(t), folder).ended;
  assert.equal(status, 0);
  assert.match(stdout, /before false undefined\n.*granted false undefined\n/);
  assert.match(
    stderr,
    /Test Extension asked for tcp-connect:127\.0\.0\.1:9: denied, there is no terminal to ask on; --grant would allow it/,
  );
});

test('portside run --grant answers what the app asks, and no more', LIMIT, async (t) => {
  const folder = await makeExtension(t, REQUEST, OPTIONAL);
  const env = await freshConfig(t);
  const granted = await runExtension(t, env, folder, '--grant', 'tcp-connect:127.0.0.1:*').ended;
  assert.match(granted.stdout, /granted true function\n.*connect: ConnectionRefusedError: Network\n/);
  const other = await runExtension(t, env, folder, '--grant', 'tcp-connect:127.0.0.2:*').ended;
  assert.match(other.stdout, /granted false undefined\n/);
  const refused = await runExtension(t, env, folder, '--prompt', 'deny').ended;
  assert.match(refused.stderr, /denied, by --prompt deny/);
});

test('portside run --deny beats the manifest, of extensions and of apps', LIMIT, async (t) => {
  const script = `
    console.log('offered', typeof (browser.TCPSocket || {}).listen);
    if (browser.TCPSocket) {
      browser.TCPSocket.listen({ port: 80 }).catch((error) => console.log('listen:', error.message));
    }`;
  const folder = await makeExtension(t, script);
  const env = await freshConfig(t);
  const { stdout } = await runExtension(t, env, folder, '--deny', 'tcp-listen:*').ended;
  assert.match(stdout, /offered undefined\n/, 'what is denied altogether is not there');
  const one = await runExtension(t, env, folder, '--deny', 'tcp-listen:80').ended;
  assert.match(one.stdout, /offered function\n.*listen: permission denied\n/);
  const app = await runExtension(t, env, 'examples/echo-server', '--deny', 'tcp-listen:*:*').ended;
  assert.match(app.stderr, /Unchecked runtime\.lastError: Does not have permission/);
});

test('portside run refuses a permission on the command line that it cannot read', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const { status, stderr } = await runExtension(t, env, 'examples/chat-room', '--grant', 'tcp-connect:a')
    .ended;
  assert.equal(status, 1);
  assert.match(
    stderr,
    /option '-g, --grant <PERMISSION>' argument 'tcp-connect:a' is invalid\..*\(at character \d+\)/s,
  );
});

test('portside run names the place of a permission that it cannot read', LIMIT, async (t) => {
  const folder = await makeExtension(t, '', { permissions: ['tabs', 'tcp-connect:*.*.org:80'] });
  const { status, stderr } = await runExtension(t, await freshConfig(t), folder).ended;
  assert.equal(status, 1);
  assert.match(
    stderr,
    /manifest\.json:\d+:\d+: permissions\[1\]: Cannot read the permission "tcp-connect:\*\.\*\.org:80": /,
  );
});

const MODULE = { background: { scripts: ['background.js'], type: 'module' } };

test('portside run runs modules, which import from the folder alone', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const files = { 'other.js': `export const name = 'other'; console.log('other runs', import.meta.url);` };
  const script = `
    import { name } from './other.js';
    console.log('imported', name);
    const again = await import('./other.js');
    console.log('again', again.name === name, typeof window, typeof browser.runtime.getManifest().name);`;
  const { status, stdout } = await runExtension(t, env, await makeExtension(t, script, MODULE, files)).ended;
  assert.equal(status, 0);
  assert.match(stdout, /other runs moz-extension:\/\/test-portside\.example\/other\.js\n/);
  assert.match(stdout, /imported other\n.*again true object string\n/);
  for (const [specifier, message] of [
    ['node:fs', /cannot import 'node:fs': only files of the app can be imported/],
    ['../x.js', /cannot import .\.\.\/x\.js/],
    ['./none.js', /cannot import .\.\/none\.js.: there is no such file/],
  ] as const) {
    const folder = await makeExtension(t, `import '${specifier}';`, MODULE);
    const ending = await runExtension(t, env, folder).ended;
    assert.equal(ending.status, 1);
    assert.match(ending.stderr, message);
  }
});

test('portside run tells where a module fails, at its load and later', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const early = await runExtension(t, env, await makeExtension(t, `\nnothing();`, MODULE)).ended;
  assert.equal(early.status, 1);
  assert.match(early.stderr, /background\.js:2:1: Uncaught ReferenceError: nothing is not defined/);
  const late = await runExtension(
    t,
    env,
    await makeExtension(
      t,
      `await browser.permissions.getAll();\nawait new Promise((r) => setTimeout(r, 1));\nnothing();`,
      MODULE,
    ),
  ).ended;
  assert.equal(late.status, 0);
  assert.match(late.stderr, /Uncaught ReferenceError: nothing is not defined\n.*background\.js:3:1/);
});
