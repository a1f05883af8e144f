/** Cases of `providerSuite`: arguments that are none are refused before anything is made, and never silently. */
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { ARGUMENT_ERRORS, rejects, show } from './suite.ts';

const NOT_OBJECTS: readonly unknown[] = [undefined, null, 1, 'localhost:80', true];
const NOT_PORTS: readonly unknown[] = [
  undefined,
  null,
  '80',
  -1,
  65_536,
  1.5,
  Number.NaN,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  {},
];
const NOT_HOSTS: readonly unknown[] = [undefined, null, 1, '', 'a\0b', {}, []];
const NOT_TIMES: readonly unknown[] = [null, '1', -1, Number.NaN, {}];
const NOT_SIZES: readonly unknown[] = [null, '1', -1, 1.5, Number.NaN, 2 ** 53, {}];
const NOT_SIGNALS: readonly unknown[] = [null, 1, 'abort', {}, { aborted: 'no' }];
const NOT_PATHS: readonly unknown[] = [
  null,
  1,
  '',
  {},
  [],
  '/tmp/a\0b',
  'x'.repeat(109),
  `\0${'x'.repeat(120)}`,
  new Uint8Array(0),
  new Uint8Array(300),
  Uint8Array.of(47, 0, 47),
  new Uint16Array(3),
];
const NOT_FLAGS: readonly unknown[] = [null, 0, 1, 'true'];

/** Wrong values of each option; the rest of the options is right. */
/** Options that there are not: they would do nothing, and nobody would know. */
const MISSPELT: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ['timout', [1000, undefined]],
  ['Signal', [null]],
  ['toString', ['x']],
];

const BAD_CONNECT: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ['port', NOT_PORTS],
  ['host', NOT_HOSTS],
  ['timeout', NOT_TIMES],
  ['signal', NOT_SIGNALS],
  ['highWaterMark', NOT_SIZES],
  ['writeLimit', NOT_SIZES],
  ['attemptDelay', NOT_TIMES],
  ['family', ['ipv5', 4, null]],
  [
    'addresses',
    [
      null,
      'x',
      [1],
      [null],
      [{ family: 'ipv4', host: 'localhost' }],
      [{ family: 'ipv4', host: '::1' }],
      [{ host: '127.0.0.1' }],
    ],
  ],
  ['localAddress', [1, null, 'localhost', '', '127.1']],
  ['localPort', ['80', -1, 65_536, 1.5, Number.NaN, null]],
  ['options', [1, null, { noDelay: 'yes' }, { userTimeout: -1 }, { keepAlive: { idle: -1 } }]],
  ['path', NOT_PATHS],
  ...MISSPELT,
];

const BAD_LISTEN_TCP: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ['port', NOT_PORTS.slice(1)],
  ['host', [null, 1, '', 'localhost', '127.1', 'a\0b', '[::1]']],
  ['timeout', NOT_TIMES],
  ['signal', NOT_SIGNALS],
  ['highWaterMark', NOT_SIZES],
  ['writeLimit', NOT_SIZES],
  ['backlog', NOT_SIZES],
  ['reusePort', NOT_FLAGS],
  ['ipv6Only', NOT_FLAGS],
  ['options', [1, null, { noDelay: 'yes' }]],
  ...MISSPELT,
];

const BAD_LISTEN_UNIX: readonly (readonly [name: string, values: readonly unknown[]])[] = [
  ['path', NOT_PATHS],
  ['stale', [null, true, 'unlink', '']],
  ['mode', [null, '660', -1, 1.5, Number.NaN, 0o10000]],
  ['backlog', NOT_SIZES],
  ...MISSPELT,
];

const errors = { name: ARGUMENT_ERRORS };

async function badConnects(h: ProviderHarness): Promise<void> {
  const good = { host: '127.0.0.1', port: 9 };
  await h.leavesNothing(async () => {
    for (const value of NOT_OBJECTS)
      await rejects(() => h.provider.connect(value as never), errors, `connect(${show(value)})`);
    for (const [name, values] of BAD_CONNECT) {
      for (const value of values) {
        await rejects(
          () => h.provider.connect({ ...good, [name]: value }),
          errors,
          `connect with ${name} ${show(value)}`,
        );
      }
    }
  });
}

async function badListens(h: ProviderHarness, good: object, table: typeof BAD_CONNECT): Promise<void> {
  await h.leavesNothing(async () => {
    for (const value of NOT_OBJECTS)
      await rejects(() => h.provider.listen(value as never), errors, `listen(${show(value)})`);
    for (const [name, values] of table) {
      for (const value of values) {
        await rejects(
          () => h.provider.listen({ ...good, [name]: value }),
          errors,
          `listen with ${name} ${show(value)}`,
        );
      }
    }
  });
}

async function badResolves(h: ProviderHarness): Promise<void> {
  for (const host of [...NOT_HOSTS, 'a b', 'x'.repeat(300)])
    await rejects(() => h.provider.resolve(host as never), errors, `resolve(${show(host)})`);
  for (const options of [1, null, { family: 4 }, { signal: 1 }, { timeout: -1 }, { timout: 1 }]) {
    await rejects(
      () => h.provider.resolve('localhost', options as never),
      errors,
      `resolve with ${show(options)}`,
    );
  }
}

export const PROVIDER_ARGUMENT_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'connect refuses arguments that are none',
    promises: ['failure.clean'],
    when: onTcp,
    run: badConnects,
  },
  {
    name: 'listen refuses TCP arguments that are none',
    promises: ['failure.clean'],
    when: onTcp,
    run: (h) => badListens(h, { host: '127.0.0.1', port: 0 }, BAD_LISTEN_TCP),
  },
  {
    name: 'listen refuses Unix arguments that are none',
    promises: ['failure.clean', 'connect.path'],
    when: (about) => about.options.transport === 'unix',
    run: (h) => badListens(h, { path: h.files.fresh() }, BAD_LISTEN_UNIX),
  },
  {
    name: 'resolve refuses arguments that are none',
    promises: ['provider.resolve'],
    when: onTcp,
    run: badResolves,
  },
];
