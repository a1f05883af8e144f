/** For this folder's tests: the promise API over an engine of the test's own, and nothing open when the test is over. */
import type { TestContext } from 'node:test';
import type { Connection, NodeStreams, Portside, Server } from '../doors/portside.ts';
import { createPortside } from '../doors/portside.ts';
import type { LocalProvider } from '../engine/local-provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { Socket } from '../posix/socket.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { Context } from './context.ts';

// What the process opens once, to wait with, and keeps is no test's leak.
const [near, far] = Socket.pair();
const waiting = near.readable();
far.send(Uint8Array.of(1));
await waiting;
near.close();
far.close();

export interface World extends Context<NodeStreams> {
  readonly front: Portside;
  readonly provider: LocalProvider;
  /** Has something closed at the end of the test, before what is open is counted. */
  readonly later: (close: () => void) => void;
}

export function world(t: TestContext): World {
  const leaks = leakCheck();
  const provider = localProvider();
  const front = createPortside({ provider });
  const closes: (() => void)[] = [];
  t.after(async () => {
    for (const close of closes) close();
    await provider.close();
    leaks.check();
  });
  return { front, provider, later: (close) => closes.push(close) };
}

export interface Pair {
  readonly server: Server;
  readonly client: Connection;
  readonly peer: Connection;
}

/** A server and both ends of a connection to it. */
export async function pair({ front }: World, on?: string): Promise<Pair> {
  const server = await front.listen(on === undefined ? {} : { on });
  const [client, peer] = await Promise.all([front.connect({ to: server.local }), server.accept()]);
  return { server, client, peer };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array | null): string | null =>
  data === null ? null : new TextDecoder().decode(data);
