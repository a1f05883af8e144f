import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemError } from '../base/errors.ts';
import { getSpace } from './space.ts';

test('interfaceIndex throws ENODEV for a name that no interface has', () => {
  const { codecs } = getSpace();
  assert.ok(codecs.interfaceIndex('lo') > 0);
  assert.throws(
    () => codecs.interfaceIndex('no-such-device'),
    (error) =>
      error instanceof SystemError &&
      error.code === 'ENODEV' &&
      error.message === 'interfaceIndex: no network interface "no-such-device" (ENODEV)',
  );
});
