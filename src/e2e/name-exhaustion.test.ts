/** Names when the process has no descriptor left: the C library says that there are none, which is not so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from '../testing/node/peer.ts';

const ENGINE = new URL('../doors/engine.js', import.meta.url).href;
const POSIX = new URL('../doors/posix.js', import.meta.url).href;

const STARVED = `
import { closeSync, openSync } from 'node:fs';
import { localProvider, portableProvider } from '${ENGINE}';
import { nameInfo, resolve, resolveSync, serviceByName } from '${POSIX}';
const tell = async (work) => {
  try { await work(); return 'done'; } catch (error) {
    const all = [error, error.cause].filter((each) => each !== undefined);
    return all.map(({ name, code }) => name + ' ' + code).join(', ');
  }
};
const providers = { local: localProvider(), portable: portableProvider() };
const told = {};
const askAll = async () => {
  for (const [name, provider] of Object.entries(providers)) {
    told[name] = await tell(() => provider.resolve('localhost'));
    told[name + ' connect'] = await tell(() => provider.connect({ host: 'localhost', port: 1 }));
  }
  told.resolve = await tell(() => resolve('localhost'));
  told.resolveSync = await tell(() => resolveSync('127.0.0.1', { service: 'no-such-service' }));
  told.nameInfo = await tell(() => nameInfo({ family: 'ipv4', host: '127.0.0.1', port: 80 }, { flags: ['NI_NAMEREQD'] }));
  told.service = await tell(() => serviceByName('no-such-service'));
  told.number = await tell(() => providers.local.resolve('127.0.0.1'));
};
// All modules that Node loads late are there before there is no descriptor left to load them with.
await askAll();
const files = [];
try { for (;;) files.push(openSync('/dev/null')); } catch {}
await askAll();
for (const file of files) closeSync(file);
told.afterwards = (await providers.local.resolve('localhost')).length > 0;
for (const provider of Object.values(providers)) await provider.close();
console.log(JSON.stringify(told));
`;

test('names without a descriptor are EMFILE, not unknown, and are found again later (F02)', async () => {
  const line = 'ulimit -n 120; exec "$0" --input-type=module -e "$1"';
  const ran = await runProgram('bash', ['-c', line, process.execPath, STARVED]);
  assert.equal(ran.status, 0, ran.stderr);
  const lacking = 'ResolveError EAI_SYSTEM, SystemError EMFILE';
  assert.deepEqual(JSON.parse(ran.stdout), {
    local: lacking,
    'local connect': lacking,
    portable: lacking,
    'portable connect': lacking,
    resolve: lacking,
    resolveSync: lacking,
    nameInfo: lacking,
    service: 'SystemError EMFILE',
    number: 'done',
    afterwards: true,
  });
});
