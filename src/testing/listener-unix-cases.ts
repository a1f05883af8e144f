/** Cases of `listenerSuite`: Unix paths. */
import type { CaseRow, CaseSetting } from './case-table.ts';
import { asciiBytes } from './pattern.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, equal, rejects } from './suite.ts';

const onPath = (about: CaseSetting): boolean =>
  about.options.transport === 'unix' && about.options.files !== undefined;
const onAbstract = (about: CaseSetting): boolean => about.options.transport === 'unix-abstract';

async function livePath(h: ProviderHarness, stale: 'fail' | 'replace'): Promise<void> {
  const { listener, atListener } = await h.serve();
  const { local } = listener;
  check(local.family === 'unix', 'no path');
  const again = { path: local.path, stale };
  await rejects(
    () => h.provider.listen(again),
    { name: 'SystemError', code: 'EADDRINUSE' },
    'listen on a path in use',
  );
  await h.connectTo(listener);
  await atListener.stream();
}

/** A listener whose backlog is full is alive, although a connection to it does not complete. */
async function livePathThatIsBusy(h: ProviderHarness): Promise<void> {
  const listener = await h.listen({ backlog: 1 });
  const { local } = listener;
  check(local.family === 'unix', 'no path');
  await h.fill(listener);
  await rejects(
    () => h.provider.listen({ path: local.path, stale: 'replace' }),
    { code: 'EADDRINUSE' },
    'listen on the path of a busy listener',
  );
  const atListener = h.recordListener(listener);
  await atListener.stream();
  const before = atListener.streams.length;
  await h.connectTo(listener);
  await atListener.until(() => atListener.streams.length > before, 'another stream');
}

async function staleFails(h: ProviderHarness): Promise<void> {
  const path = h.files.fresh();
  await h.files.makeStaleSocket(path);
  await rejects(
    () => h.provider.listen({ path }),
    { name: 'SystemError', code: 'EADDRINUSE' },
    'listen on a stale path',
  );
  equal(await h.files.exists(path), true, 'the stale path is still there');
}

async function staleIsReplaced(h: ProviderHarness): Promise<void> {
  const path = h.files.fresh();
  await h.files.makeStaleSocket(path);
  await rejects(() => h.connect({ path }), { name: 'ConnectError' }, 'connect to a stale path');
  const { listener, atListener } = await h.serve({}, { path, stale: 'replace' });
  await h.connectTo(listener);
  await atListener.stream();
}

async function fileIsKept(h: ProviderHarness, stale: 'fail' | 'replace'): Promise<void> {
  const path = h.files.fresh();
  await h.files.makeFile(path);
  await rejects(() => h.provider.listen({ path, stale }), { name: 'SystemError' }, 'listen on a file');
  equal(await h.files.exists(path), true, 'the file is still there');
}

async function replaceWithoutNeed(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve({}, { stale: 'replace' });
  await h.connectTo(listener);
  await atListener.stream();
}

async function mode(h: ProviderHarness): Promise<void> {
  for (const bits of [0o600, 0o660]) {
    const path = h.files.fresh();
    const listener = await h.listen({ path, mode: bits });
    equal((await h.files.mode(path)) & 0o777, bits, 'permission bits');
    await listener.close();
  }
}

async function pathAsBytes(h: ProviderHarness): Promise<void> {
  const path = h.files.fresh();
  const { listener, atListener } = await h.serve({}, { path: asciiBytes(path) });
  await h.connect({ path });
  await atListener.stream();
  await h.connect({ path: asciiBytes(path) });
  await atListener.stream(1);
  check(listener.local.family === 'unix', 'local is no path');
  const told = listener.local.path;
  equal(typeof told === 'string' ? told : String.fromCharCode(...told), path, 'path told');
}

async function longestPath(h: ProviderHarness): Promise<void> {
  const path = h.files.fresh().padEnd(107, 'x');
  const { listener, atListener } = await h.serve({}, { path });
  await h.connectTo(listener);
  await atListener.stream();
  await rejects(() => h.provider.listen({ path: `${path}y` }), {}, 'listen on a path of 108 bytes');
  await rejects(() => h.provider.connect({ path: `${path}y` }), {}, 'connect to a path of 108 bytes');
}

async function abstractNames(h: ProviderHarness): Promise<void> {
  const name = `\0portside-suite-${String(Math.random())}-\0-with-nul`;
  const { listener, atListener } = await h.serve({}, { path: name });
  check(listener.local.family === 'unix' && listener.local.path === name, 'name told');
  await h.connect({ path: name });
  await atListener.stream();
  await rejects(
    () => h.provider.listen({ path: name, stale: 'replace' }),
    { code: 'EADDRINUSE' },
    'listen on a name in use',
  );
  await rejects(
    () => h.provider.connect({ path: `${name}x` }),
    { name: 'ConnectError' },
    'connect to a longer name',
  );
}

export const LISTENER_UNIX_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'never takes a path from who listens on it',
    promises: ['listen.stale'],
    when: onPath,
    run: (h) => livePath(h, 'fail'),
  },
  {
    name: 'never replaces who listens',
    promises: ['listen.stale'],
    when: onPath,
    run: (h) => livePath(h, 'replace'),
  },
  {
    name: 'never replaces who listens and is busy',
    promises: ['listen.stale'],
    needs: ['accept-pause'],
    when: onPath,
    run: livePathThatIsBusy,
  },
  {
    name: 'leaves a stale path alone unless asked',
    promises: ['listen.stale'],
    when: onPath,
    run: staleFails,
  },
  {
    name: 'replaces a stale path when asked',
    promises: ['listen.stale'],
    when: onPath,
    run: staleIsReplaced,
  },
  {
    name: 'keeps a file that is no socket',
    promises: ['listen.stale'],
    when: onPath,
    run: (h) => fileIsKept(h, 'fail'),
  },
  {
    name: 'keeps a file that is no socket although asked to replace',
    promises: ['listen.stale'],
    when: onPath,
    run: (h) => fileIsKept(h, 'replace'),
  },
  {
    name: 'replaces nothing where nothing is',
    promises: ['listen.stale'],
    when: onPath,
    run: replaceWithoutNeed,
  },
  { name: 'sets the mode of its file', promises: ['listen.mode'], when: onPath, run: mode },
  { name: 'takes a path as bytes', promises: ['connect.path'], when: onPath, run: pathAsBytes },
  {
    name: 'takes the longest path and none longer',
    promises: ['connect.path'],
    when: onPath,
    run: longestPath,
  },
  {
    name: 'takes abstract names with any bytes',
    promises: ['connect.path'],
    when: onAbstract,
    run: abstractNames,
  },
];
