/** Datagrams of the engine with faults below them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketError } from '../base/errors.ts';
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
