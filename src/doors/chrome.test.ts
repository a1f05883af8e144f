import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketProvider } from '../base/provider.ts';
import { createChrome } from './chrome.ts';

function noProvider(): SocketProvider {
  return {} as SocketProvider;
}

test('createChrome has no sockets without the manifest key, as in Chrome', () => {
  const chrome = createChrome({ manifest: { name: 'x' }, provider: noProvider() });
  assert.equal('sockets' in chrome, false);
  assert.deepEqual(chrome.runtime.getManifest(), { name: 'x' });
});

test('createChrome tells where the manifest is wrong', () => {
  assert.throws(
    () => createChrome({ manifest: { sockets: { tcp: { connect: ['*', 'a:b'] } } }, provider: noProvider() }),
    {
      name: 'PermissionSyntaxError',
      path: ['sockets', 'tcp', 'connect', 1],
    },
  );
});

test('createChrome needs a manifest or a policy', () => {
  assert.throws(() => createChrome({ provider: noProvider() } as never), TypeError);
});
