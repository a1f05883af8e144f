/** For this folder's tests: the API over a network in memory, whose time stands still. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Connection, Portside, Server } from '../../doors/portside.ts';
import { createPortside } from '../../doors/portside.ts';
import type { MemoryNetworkOptions } from '../../testing/memory-network.ts';
import { MemoryNetwork } from '../../testing/memory-network.ts';
import type { MemoryProvider } from '../../testing/memory-provider.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { ManualClock } from '../../testing/manual-clock.ts';

export interface World {
  readonly front: Portside;
  readonly provider: MemoryProvider;
  readonly network: MemoryNetwork;
  readonly clock: ManualClock;
  /** What was told to nobody in particular. */
  readonly warnings: string[];
}

/** A network for one test. When that is over, nothing may be open in it that the provider's end does not close. */
export function world(t: TestContext, options: Omit<MemoryNetworkOptions, 'clock'> = {}): World {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ ...options, clock });
  const provider = memoryProvider({ network });
  const warnings: string[] = [];
  const front = createPortside({ provider, clock, warn: (text) => warnings.push(text) });
  t.after(async () => {
    await provider.close();
    assert.equal(network.openCount, 0, 'nothing is open in the network');
    assert.equal(clock.pending, 0, 'no timer is left');
  });
  return { front, provider, network, clock, warnings };
}

export interface Pair {
  readonly server: Server;
  readonly client: Connection;
  readonly peer: Connection;
}

/** A server and both ends of a connection to it. */
export async function pair(front: Portside, options: Parameters<Portside['listen']>[0] = {}): Promise<Pair> {
  const server = await front.listen(options);
  const [client, peer] = await Promise.all([
    front.connect({ to: server.local, ...commonOf(options) }),
    server.accept(),
  ]);
  return { server, client, peer };
}

/** What both ends have. */
function commonOf({
  readAhead,
  highWaterMark,
  writeLimit,
}: NonNullable<Parameters<Portside['listen']>[0]>): object {
  return { readAhead, highWaterMark, writeLimit };
}

export function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
