/** What the tests here share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { BadValue } from '../testing/node/bad-values.ts';
import { NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import type { LeakCheck } from '../testing/node/leak-check.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { InternetAddress, SocketAddress } from './address.ts';
import { Socket } from './socket.ts';

export const LOOPBACK: InternetAddress = { family: 'ipv4', host: '127.0.0.1', port: 0 };

/** Remembers what is open once the thread has its poller, which it keeps. */
export async function settledLeakCheck(): Promise<LeakCheck> {
  const [a, b] = Socket.pair();
  const wait = a.recvAsync(1);
  b.send(Uint8Array.of(1));
  await wait;
  a.close();
  b.close();
  return leakCheck();
}

/** A socket that is closed when the test is over. */
export function open(t: TestContext, ...kind: Parameters<typeof Socket.socket>): Socket {
  return closing(t, Socket.socket(...kind));
}

export function closing(t: TestContext, socket: Socket): Socket {
  t.after(() => {
    socket.close();
  });
  return socket;
}

/** Two that are connected, closed when the test is over. */
export function pairOf(
  t: TestContext,
  type: 'SOCK_STREAM' | 'SOCK_DGRAM' | 'SOCK_SEQPACKET' = 'SOCK_STREAM',
): [Socket, Socket] {
  const [a, b] = Socket.pair('AF_UNIX', type);
  return [closing(t, a), closing(t, b)];
}

/** An address of IP, or a failure. */
export function internet(address: SocketAddress | null | undefined): InternetAddress {
  if (address?.family !== 'ipv4' && address?.family !== 'ipv6') throw new Error('no address of IP');
  return address;
}

/** A TCP listener on loopback. */
export function listener(
  t: TestContext,
  host: '127.0.0.1' | '::1' = '127.0.0.1',
): { listening: Socket; address: InternetAddress } {
  const family = host === '::1' ? 'ipv6' : 'ipv4';
  const listening = open(t, family === 'ipv6' ? 'AF_INET6' : 'AF_INET', 'SOCK_STREAM');
  listening.bind({ family, host, port: 0 });
  listening.listen();
  return { listening, address: internet(listening.localAddress()) };
}

/** Two ends of a TCP connection. */
export function tcpPair(t: TestContext): [client: Socket, server: Socket] {
  const { listening, address } = listener(t);
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  client.connect(address, { timeout: 5000 });
  return [client, closing(t, listening.accept({ timeout: 5000 }).socket)];
}

/** A datagram socket on loopback. */
export function udp(t: TestContext): Socket {
  const socket = open(t, 'AF_INET', 'SOCK_DGRAM');
  socket.bind(LOOPBACK);
  return socket;
}

/** A socket as JavaScript sees it: every method takes anything. */
export type Loose = Readonly<Record<LooseName, (...args: readonly unknown[]) => unknown>>;
type LooseName = Exclude<
  keyof Socket,
  'fd' | 'family' | 'type' | 'protocol' | 'isClosed' | typeof Symbol.dispose
>;

export function loose(socket: Socket): Loose {
  return socket as unknown as Loose;
}

/** What a call throws, or what its promise rejects with. */
export async function refusal(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`it threw ${typeof error}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}

// --- bad input ----------------------------------------------------------------------------------

/** A call that has the bad value in one place, and is right everywhere else. */
export type BadRow = readonly [what: string, call: (socket: Loose, bad: unknown) => unknown];

export const BYTES: Uint8Array = Uint8Array.of(1, 2, 3);
export const NOBODY: SocketAddress = { family: 'unix', path: '\0portside-nobody' };
export const DEADLINE: { readonly timeout: number } = { timeout: 1000 };

/** Each value in each place: refused by name of the place, nothing sent or taken, and the socket as good as before. */
export function refuses(
  place: string,
  fault: string,
  rows: readonly BadRow[],
  values: readonly BadValue[],
  errors: readonly string[] = ['TypeError', 'RangeError'],
): void {
  for (const [what, call] of rows) {
    void test(`${what} refuses what is no ${place} (${fault})`, async (t) => {
      const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
      peer.send(BYTES);
      for (const [kind, bad] of values) {
        const error = await refusal(() => call(loose(socket), bad));
        assert.ok(errors.includes(error.name), `${kind}: ${error.name}: ${error.message}`);
        assert.match(error.message, /expected|no such|^no |only/, kind);
      }
      assert.equal(peer.recv(), null);
      assert.equal(socket.send(BYTES), 3);
      assert.deepEqual(peer.recv(), BYTES);
      assert.deepEqual(socket.recv(), BYTES);
      assert.equal(socket.recv(), null);
    });
  }
}

/** All but some. */
export const but = (values: readonly BadValue[], ...whats: readonly string[]): readonly BadValue[] =>
  values.filter(([what]) => !whats.includes(what));

/** No whole numbers of 32 bits, where there may be none at all. */
export const BAD_NUMBERS: readonly BadValue[] = but(
  [...NOTHING_USEFUL, ...NO_INTEGER, ['2^32', 2 ** 32]],
  'undefined',
);
