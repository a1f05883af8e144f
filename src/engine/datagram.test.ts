/** Datagrams of the engine with faults below them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketError } from '../base/errors.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

/** Sends 45 datagrams in one turn, and fulfils with what each `done` was told. */
async function send45(provider: LocalProvider): Promise<{ answers: (string | null)[]; heard: number[] }> {
  const b = await provider.bind({ host: '127.0.0.1' });
  const a = await provider.bind({ host: '127.0.0.1' });
  const heard: number[] = [];
  const answers: (string | null)[] = [];
  const all = new Promise<void>((resolve) => {
    b.start({
      receive: ({ bytes }) => {
        heard.push(bytes[0] ?? -1);
        if (bytes[0] === 44) resolve();
      },
      close: () => undefined,
    });
  });
  for (let i = 0; i < 45; i++) {
    // Sizes that make no trains, so that each is a message of its own.
    const bytes = new Uint8Array(i + 1).fill(i);
    a.send({ bytes, to: b.local }, (error: SocketError | null) => answers.push(error?.code ?? null));
  }
  await all;
  await a.close();
  assert.equal(a.sent, answers.filter((each) => each === null).length);
  return { answers, heard };
}

for (const poller of ['epoll', 'poll'] as const) {
  test(`${poller}: send of 45 tells of the one that failed amid the batch, and sends the others (F26)`, async () => {
    await using provider = localProvider({ poller, withFaults: true });
    provider.faults.fail('sendmsg', 'ENOBUFS', { skip: 20 });
    const { answers, heard } = await send45(provider);
    assert.deepEqual(
      answers,
      Array.from({ length: 45 }, (_, i) => (i === 20 ? 'ENOBUFS' : null)),
    );
    assert.deepEqual(
      heard,
      Array.from({ length: 45 }, (_, i) => i).filter((i) => i !== 20),
    );
  });

  test(`${poller}: send of 45 with interruptions sends each once (F26)`, async () => {
    await using provider = localProvider({ poller, withFaults: true });
    provider.faults.fail('sendmsg', 'EINTR', { times: 9 });
    provider.faults.fail('recvmsg', 'EINTR', { times: 9 });
    const { answers, heard } = await send45(provider);
    assert.ok(answers.every((each) => each === null));
    assert.deepEqual(
      heard,
      Array.from({ length: 45 }, (_, i) => i),
    );
  });

  test(`${poller}: sendMany falls back where trains are refused (F29)`, async () => {
    await using provider = localProvider({ poller, withFaults: true });
    const b = await provider.bind({ host: '127.0.0.1' });
    const a = await provider.bind({ host: '127.0.0.1' });
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => {
      b.start({
        receive: ({ bytes }) => {
          sizes.push(bytes.length);
          if (bytes.length === 7) resolve();
        },
        close: () => undefined,
      });
    });
    provider.faults.fail('sendmsg', 'EIO');
    const messages = Array.from({ length: 30 }, (_, i) => ({
      bytes: new Uint8Array(i === 29 ? 7 : 100),
      to: b.local,
    }));
    assert.equal(a.sendMany(messages), 30);
    await all;
    assert.deepEqual(sizes, [...Array<number>(29).fill(100), 7]);
  });
}

/** A module built otherwise, for sanitizers, has their malloc, which keeps what is freed. */
const hasOtherMalloc = (process.env['PORTSIDE_NATIVE_MODULE'] ?? '') !== '';

test('send of a million empty datagrams to a Unix peer that does not read is bounded, and says so (F23, F28)', async (t) => {
  await using provider = localProvider();
  const far = await provider.bind({ path: tempPath() });
  const writeLimit = 16 * 1024 * 1024;
  const near = await provider.bind({ type: 'datagram', writeLimit });
  const message = { bytes: new Uint8Array(0), to: far.local };
  const many = near.sendMany(Array<typeof message>(1_000_000).fill(message));
  assert.ok(many > 0 && many < 1000, `${String(many)} taken by sendMany`);
  const answers = { closed: 0, sent: 0 };
  const done = (error: SocketError | null): void => {
    answers[error === null ? 'sent' : 'closed'] += 1;
  };
  // A million stacks would take longer than all the rest.
  const { stackTraceLimit } = Error;
  t.after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });
  Error.stackTraceLimit = 0;
  const before = process.memoryUsage().rss;
  const codes = new Set<unknown>();
  let taken = 0;
  for (let i = 0; i < 1_000_000; i++) {
    try {
      assert.equal(near.send(message, done), false);
      taken += 1;
    } catch (error) {
      codes.add((error as SocketError).code);
    }
  }
  const grown = process.memoryUsage().rss - before;
  assert.deepEqual([...codes], ['ERR_SOCKET_OVERFLOW']);
  assert.ok(taken <= writeLimit / MESSAGE_OVERHEAD + 1, `${String(taken)} taken`);
  assert.ok(near.bufferedAmount > writeLimit && near.bufferedAmount <= writeLimit + MESSAGE_OVERHEAD);
  if (!hasOtherMalloc)
    assert.ok(grown < 8 * writeLimit, `${String(grown)} bytes for ${String(taken)} empty datagrams`);
  near.abort();
  await near.close();
  assert.deepEqual(answers, { closed: taken, sent: 0 });
});
