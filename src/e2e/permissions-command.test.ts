import assert from 'node:assert/strict';
import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { freshConfig, makeExtension, runPermissions } from './extension-kit.ts';
import { MAIN } from './processes.ts';
import { PtyProcess } from './pty.ts';

const LIMIT = { timeout: 60_000 };

const OPTIONAL = { permissions: [], optional_permissions: ['tcp-connect:*:*', 'udp-bind:*'] };
const ASKING = `
  browser.permissions.request({ permissions: ['tcp-connect:example.org:80'] })
    .then((isGranted) => console.log('granted: ' + isGranted));`;

function runOnTerminal(t: TestContext, env: NodeJS.ProcessEnv, ...args: readonly string[]): PtyProcess {
  const pty = new PtyProcess([process.execPath, MAIN, 'run', ...args], [90, 24], {
    ...env,
    NO_COLOR: '',
    TERM: 'xterm-256color',
  });
  t.after(() => {
    if (t.signal.aborted) t.diagnostic(pty.text);
    pty.kill();
  });
  return pty;
}

const DOWN = '\x1b[B';
const ENTER = '\r';

test('portside run asks on the terminal who wants what, and no is what Enter says', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const pty = runOnTerminal(t, env, await makeExtension(t, ASKING, OPTIONAL));
  await pty.waitFor(/Test Extension asks to/);
  await pty.waitFor(/connect to the host example\.org, on port 80 {2}\(tcp-connect:example\.org:80\)/);
  await pty.waitFor(/No[^]*Yes, until it ends[^]*Yes, always/);
  pty.type(ENTER);
  await pty.waitFor(/granted: false/);
  await pty.ended;
  const { stdout } = await runPermissions(t, env, 'list');
  assert.equal(stdout, 'no extension was granted anything for good\n');
});

test('portside run remembers "always", and asks no more', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const folder = await makeExtension(t, ASKING, OPTIONAL);
  const first = runOnTerminal(t, env, folder);
  await first.waitFor(/Yes, always/);
  first.type(DOWN);
  first.type(DOWN);
  first.type(ENTER);
  await first.waitFor(/granted: true/);
  await first.ended;
  const again = runOnTerminal(t, env, folder);
  await again.waitFor(/granted: true/);
  await again.ended;
  assert.ok(!again.text.includes('asks to'), again.text);
  const config = join(String(env['XDG_CONFIG_HOME']), 'portside/permissions');
  const [file = ''] = await readdir(config);
  assert.equal((await stat(join(config, file))).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(await readFile(join(config, file), 'utf8')), {
    version: 1,
    id: 'test@portside.example',
    name: 'Test Extension',
    allow: ['tcp-connect:example.org:80'],
  });
});

test('portside run takes Ctrl-C at the question for a no, and goes on', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const pty = runOnTerminal(t, env, await makeExtension(t, ASKING, OPTIONAL));
  await pty.waitFor(/Yes, always/);
  pty.type('\x03');
  await pty.waitFor(/granted: false/);
  await pty.ended;
});

test('portside permissions grants, lists, revokes and resets', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const folder = await makeExtension(t, '', OPTIONAL);
  const grant = await runPermissions(t, env, 'grant', folder, 'tcp-connect:*:443', 'udp-bind:*');
  assert.equal(grant.status, 0, grant.stderr);
  const list = await runPermissions(t, env, 'list');
  assert.match(list.stdout, /^Test Extension {2}\(test@portside\.example\)\n/);
  assert.match(list.stdout, /tcp-connect:\*:443\n {6}may connect to any host, .*, on port 443\n/);
  const json = await runPermissions(t, env, 'list', '--json');
  assert.deepEqual(JSON.parse(json.stdout), [
    {
      id: 'test@portside.example',
      name: 'Test Extension',
      permissions: ['tcp-connect:*:443', 'udp-bind:*'],
    },
  ]);
  const revoke = await runPermissions(t, env, 'revoke', 'Test Extension', 'tcp-connect:*:*');
  assert.equal(revoke.status, 0, revoke.stderr);
  assert.ok(!revoke.stdout.includes('tcp-connect'), revoke.stdout);
  const reset = await runPermissions(t, env, 'reset', folder);
  assert.equal(reset.stdout, `taken back from ${folder}\n`);
  assert.equal((await runPermissions(t, env, 'list', '--json')).stdout, '[]\n');
});

test('portside permissions says what is wrong, and changes nothing', LIMIT, async (t) => {
  const env = await freshConfig(t);
  const folder = await makeExtension(t, '', OPTIONAL);
  for (const [args, message] of [
    [
      ['grant', folder, 'tcp-listen:80'],
      /does not declare tcp-listen:80; its manifest has tcp-connect:\*:\*/,
    ],
    [['grant', folder, 'nonsense'], /Cannot read the permission "nonsense"/],
    [['grant', '/nowhere', 'udp-bind:*'], /\/nowhere: does not exist/],
    [['list', 'Nobody'], /nothing was granted to Nobody/],
    [['revoke', 'Nobody', 'udp-bind:*'], /nothing was granted to Nobody/],
  ] as const) {
    const { status, stderr, stdout } = await runPermissions(t, env, ...args);
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.match(stderr, message);
  }
  await runPermissions(t, env, 'grant', folder, 'udp-bind:*');
  const tooNarrow = await runPermissions(t, env, 'revoke', folder, 'udp-bind:53');
  assert.equal(tooNarrow.status, 1);
  assert.match(tooNarrow.stderr, /holds nothing that is no broader than that; it holds udp-bind:\*/);
});

test(
  'portside permissions and run name a file that they cannot read, and leave it alone',
  LIMIT,
  async (t) => {
    const env = await freshConfig(t);
    const folder = await makeExtension(t, ASKING, OPTIONAL);
    await runPermissions(t, env, 'grant', folder, 'udp-bind:*');
    const config = join(String(env['XDG_CONFIG_HOME']), 'portside/permissions');
    const [name = ''] = await readdir(config);
    const file = join(config, name);
    await chmod(file, 0o600);
    await writeFile(file, '{"version": 1, "allow": ');
    const other = await makeExtension(t, '', {
      ...OPTIONAL,
      name: 'Other',
      browser_specific_settings: { gecko: { id: 'other@portside.example' } },
    });
    await runPermissions(t, env, 'grant', other, 'udp-bind:*');
    const list = await runPermissions(t, env, 'list');
    assert.equal(list.status, 1);
    assert.ok(list.stderr.includes(`${file}: is no JSON; nothing is granted by it.`), list.stderr);
    assert.match(list.stdout, /^Other {2}/, 'the others are listed');
    assert.equal(await readFile(file, 'utf8'), '{"version": 1, "allow": ');
    assert.equal((await runPermissions(t, env, 'reset')).stdout, 'taken back from 2 extensions\n');
  },
);
