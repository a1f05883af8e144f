/** `nameInfo` where no name server is asked. What one answers is in `resolve-server.test.ts`. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadNative } from '../addon/load.ts';
import { ResolveError, SystemError } from '../base/errors.ts';
import { NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { InternetAddress } from './address.ts';
import type { NameInfo, NameInfoHints, NameInfoOptions } from './name-info.ts';
import { nameInfo, nameInfoSync } from './name-info.ts';

const { constants } = loadNative();
const SSH: InternetAddress = { family: 'ipv4', host: '127.0.0.1', port: 22 };
const NUMERIC: NameInfoHints = { flags: ['NI_NUMERICHOST', 'NI_NUMERICSERV'] };

/** Both forms, which have to agree. */
async function both(address: InternetAddress, options?: NameInfoHints): Promise<NameInfo> {
  const info = await nameInfo(address, options);
  assert.deepEqual(nameInfoSync(address, options), info);
  return info;
}

/** Both forms have to fail in the same way. */
async function failBoth(address: unknown, options: unknown, expected: object): Promise<void> {
  await assert.rejects(nameInfo(address as InternetAddress, options as NameInfoOptions), expected);
  assert.throws(() => nameInfoSync(address as InternetAddress, options as NameInfoHints), expected);
}

test('nameInfo finds what stands in the tables of the machine', async () => {
  assert.deepEqual(await both(SSH), { host: 'localhost', service: 'ssh' });
});

test('nameInfo answers numbers for whom they are asked', async () => {
  assert.deepEqual(await both(SSH, NUMERIC), { host: '127.0.0.1', service: '22' });
  assert.deepEqual(await both(SSH, { flags: ['NI_NUMERICHOST'] }), { host: '127.0.0.1', service: 'ssh' });
  assert.deepEqual(await both({ family: 'ipv6', host: '2001:DB8::1', port: 9999 }, NUMERIC), {
    host: '2001:db8::1',
    service: '9999',
  });
  const flags = constants.NI_NUMERICHOST | constants.NI_NUMERICSERV;
  assert.deepEqual(await both(SSH, { flags }), await both(SSH, NUMERIC));
});

test('nameInfo knows a service by its protocol', async () => {
  const address = { ...SSH, port: 514 };
  assert.equal((await both(address, { flags: ['NI_NUMERICHOST'] })).service, 'shell');
  assert.equal((await both(address, { flags: ['NI_NUMERICHOST', 'NI_DGRAM'] })).service, 'syslog');
});

test('nameInfo shows the zone of an address', async () => {
  for (const scope of ['lo', '1'])
    assert.equal(
      (await both({ family: 'ipv6', host: 'fe80::1', port: 0, scope }, NUMERIC)).host,
      'fe80::1%lo',
    );
  const unknown = { family: 'ipv6', host: 'fe80::1', port: 0, scope: 'no-such' } as const;
  await failBoth(unknown, NUMERIC, { name: 'SystemError', code: 'ENODEV' });
});

test('nameInfo refuses addresses of other families, and such as are none', async () => {
  for (const address of [
    { family: 'unix', path: '/x' },
    { family: 'netlink', port: 0, groups: 0 },
    { family: 'other', number: 2, bytes: new Uint8Array(14) },
    { ...SSH, family: 'IPV4' },
  ])
    await failBoth(address, NUMERIC, {
      name: 'RangeError',
      message: /^address\.family: expected "ipv4" or "ipv6"/,
    });
  for (const [, value] of NOTHING_USEFUL)
    await failBoth(value, NUMERIC, { name: 'TypeError', message: /^address/ });
  for (const bad of [{ port: 70000 }, { port: -1 }, { host: 'localhost' }, { host: '127.1' }, { host: '' }])
    await failBoth({ ...SSH, ...bad }, NUMERIC, { name: 'RangeError', message: /^address\.(host|port): / });
});

test('nameInfo refuses flags that there are not (F41)', async () => {
  for (const flags of [
    [''],
    ['NI_MAXHOST'],
    ['NI_MAXSERV'],
    ['AI_PASSIVE'],
    ['NI_NUMERICHOTS'],
    1.5,
    2 ** 31,
    NaN,
  ])
    await failBoth(SSH, { flags }, { name: 'RangeError', message: /^flags/ });
  for (const flags of ['NI_DGRAM', null, {}, [1], [null]])
    await failBoth(SSH, { flags }, { name: 'TypeError', message: /^flags/ });
  await failBoth(SSH, { flags: ['NI_NUMERICHOTS'] }, { message: /NI_NUMERICHOST\?/ });
  await failBoth(SSH, { flags: 2 ** 30 }, { name: 'ResolveError', code: 'EAI_BADFLAGS' });
});

test('nameInfo says what it has asked about', async () => {
  const flags = ['NI_NUMERICHOST', 'NI_NAMEREQD'] as const;
  await failBoth(SSH, { flags }, (error: unknown) => {
    assert.ok(error instanceof ResolveError && !(error instanceof SystemError));
    assert.equal(error.message, 'nameInfo: no such host: "127.0.0.1:22" (EAI_NONAME)');
    return true;
  });
});

test('nameInfo with a signal: aborted before, during, after', async () => {
  const address = SSH;
  assert.equal(
    await nameInfo(address, { signal: AbortSignal.abort('mine') }).catch((e: unknown) => e),
    'mine',
  );
  const controller = new AbortController();
  const { signal } = controller;
  const pending = nameInfo(address, { ...NUMERIC, signal, timeout: 10_000 });
  controller.abort('now');
  assert.equal(await pending.catch((error: unknown) => error), 'now');
  const later = new AbortController();
  await nameInfo(address, { ...NUMERIC, signal: later.signal });
  for (const each of [signal, later.signal]) assert.equal(getEventListeners(each, 'abort').length, 0);
});

test('nameInfo answers or throws an error of its own, whatever it is given (F49)', async () => {
  const leaks = leakCheck();
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: 'binary', maxLength: 60 }), fc.anything());
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.anything(),
        fc.record({
          family: fc.oneof(fc.constantFrom('ipv4', 'ipv6'), fc.anything()),
          host,
          port: fc.oneof(fc.nat(70000), fc.anything()),
          scope: fc.option(fc.oneof(fc.constantFrom('lo', '1'), fc.string(), fc.anything()), {
            nil: undefined,
          }),
          flowInfo: fc.option(fc.oneof(fc.nat(), fc.anything()), { nil: undefined }),
        }),
      ),
      async (address) => {
        const answer = await nameInfo(address as InternetAddress, NUMERIC).catch((error: unknown) => error);
        const isError =
          answer instanceof TypeError || answer instanceof RangeError || answer instanceof SystemError;
        assert.ok(isError || typeof (answer as NameInfo).host === 'string', String(answer));
      },
    ),
    { numRuns: 500 },
  );
  leaks.check();
});
