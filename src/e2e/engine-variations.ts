/** The native engine as the conformance suites take it: both pollers, one byte a call, and faults put in below it. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import type { ErrnoName } from '../addon/constant-names.ts';
import type { LocalProvider, LocalProviderOptions } from '../engine/local-provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import type { ProviderMaker, SuiteCase, SuiteFiles, SuiteOptions, SuiteTransport } from '../testing/suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'portside-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
export const files: SuiteFiles = {
  fresh: () => join(folder, `${String(++count)}.sock`),
  makeFile: (path) => {
    writeFileSync(path, '');
  },
  makeStaleSocket: async (path) => {
    // Node removes the file when its server closes, so the socket is made by one that is killed.
    const { spawnSync } = await import('node:child_process');
    const script = 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
    const { status, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  },
  exists: existsSync,
  mode: (path) => statSync(path).mode & 0o777,
};

export interface Variation {
  readonly name: string;
  readonly options: LocalProviderOptions;
  /** Done to each provider before it is used. */
  prepare?(provider: LocalProvider, transport: SuiteTransport): void;
  readonly scale?: number;
}

const oneByte = (provider: LocalProvider, transport: SuiteTransport): void => {
  // Each send of a Unix socket takes some 1,000 bytes of its buffer, however small it is: single bytes would clog it.
  const isUnix = transport.startsWith('unix');
  provider.faults.limit({ read: 1, write: isUnix ? 100 : 1 });
};
/** The other poller is slow enough with few bytes: what one byte does is the core's business, and tried above it. */
const fewBytes = (provider: LocalProvider, transport: SuiteTransport): void => {
  const isUnix = transport.startsWith('unix');
  provider.faults.limit({ read: 7, write: isUnix ? 100 : 5 });
};
const shaken = (provider: LocalProvider): void => {
  const { faults } = provider;
  faults.limit({ read: 1000, write: 777 });
  faults.fail('recv', 'EINTR', { times: 50 });
  faults.fail('send', 'EINTR', { times: 50 });
  faults.fail('recvmsg', 'EINTR', { times: 50 });
  faults.fail('sendmsg', 'EINTR', { times: 50 });
  faults.fail('accept', 'EINTR', { times: 5 });
  faults.fail('close', 'EINTR', { times: 5 });
};

export const VARIATIONS: readonly Variation[] = [
  { name: 'epoll', options: {} },
  { name: 'poll', options: { poller: 'poll' } },
  { name: 'one byte per call', options: {}, prepare: oneByte, scale: 0.01 },
  { name: 'short calls and EINTR', options: {}, prepare: shaken, scale: 0.1 },
  {
    name: 'poll, few bytes per call',
    options: { poller: 'poll' },
    prepare: fewBytes,
    scale: 0.01,
  },
];

/** The cases, with the variation in their names. */
export function named(variation: Variation, cases: readonly SuiteCase[]): SuiteCase[] {
  return cases.map((each) => ({ ...each, name: `${variation.name}: ${each.name}` }));
}

/** Makes providers of a variation for what a transport carries. */
export function makerFor(variation: Variation, transport: SuiteTransport): ProviderMaker {
  return () => {
    const provider = localProvider({ ...variation.options, withFaults: true });
    variation.prepare?.(provider, transport);
    return Promise.resolve({ provider, stop: () => provider.close() });
  };
}

export function suiteOptions({ scale }: Variation): Omit<SuiteOptions, 'transport'> {
  return {
    ...nodeHooks(),
    files,
    resources: () => readdirSync('/proc/self/fd').length,
    failAccept: (provider: unknown, code: string, times: number) => {
      (provider as LocalProvider).faults.fail('accept', code as ErrnoName, { times });
    },
    ...(scale === undefined ? {} : { scale }),
  };
}
