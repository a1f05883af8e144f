import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryProvider } from '../testing/memory-provider.ts';
import { createChrome } from './chrome.ts';

const provider = memoryProvider();
test.after(() => provider.close());

test('createChrome has no sockets without the manifest key, as in Chrome', () => {
  const chrome = createChrome({ manifest: { name: 'x' }, provider });
  assert.equal('sockets' in chrome, false);
  assert.deepEqual(chrome.runtime.getManifest(), { name: 'x' });
});

test('createChrome tells where the manifest is wrong', () => {
  assert.throws(() => createChrome({ manifest: { sockets: { tcp: { connect: ['*', 'a:b'] } } }, provider }), {
    name: 'PermissionSyntaxError',
    path: ['sockets', 'tcp', 'connect', 1],
  });
});

test('createChrome needs a manifest or a policy', () => {
  assert.throws(() => createChrome({ provider } as never), /a manifest or a policy/);
});
