/** For this folder's tests of sockets that there are already: a provider of the test's own, and nothing open afterwards. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import type { SocketAddress } from '../base/address.ts';
import type { Datagram, PacketListener } from '../base/provider.ts';
import { Socket } from '../posix/socket.ts';
import { DatagramRecorder } from '../testing/datagram-recorder.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { AdoptOptions } from './adopt.ts';
import type { LocalProvider, LocalProviderOptions } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

export const TAKE: AdoptOptions = { ownership: 'take' };
export const BORROW: AdoptOptions = { ownership: 'borrow' };

// What the process opens once, to wait with, and keeps is no test's leak.
const [ready, peer] = Socket.pair();
const waiting = ready.readable();
peer.send(Uint8Array.of(1));
await waiting;
ready.close();
peer.close();

/** A provider, and at the end of the test as many descriptors as before it. */
export function makeProvider(t: TestContext, options: LocalProviderOptions = {}): LocalProvider {
  const leaks = leakCheck();
  const provider = localProvider(options);
  t.after(async () => {
    await provider.close();
    leaks.check();
  });
  return provider;
}

export function adoptDatagram(provider: LocalProvider, fd: number, options: AdoptOptions): Datagram {
  const adopted = provider.adopt(fd, options);
  assert.equal(adopted.kind, 'datagram');
  return (adopted as { datagram: Datagram }).datagram;
}

export function adoptPackets(provider: LocalProvider, fd: number, options: AdoptOptions): PacketListener {
  const adopted = provider.adopt(fd, options);
  assert.equal(adopted.kind, 'packet-listener');
  return (adopted as { listener: PacketListener }).listener;
}

/** Starts it and writes down what it tells. */
export function recordMessages(
  t: TestContext,
  socket: Datagram,
  options?: Parameters<Datagram['start']>[1],
): DatagramRecorder {
  const problems: string[] = [];
  t.after(() => {
    assert.deepEqual(problems, []);
  });
  const recorder = new DatagramRecorder((problem) => problems.push(problem));
  socket.start(recorder, options);
  return recorder;
}

/** Fulfils when the kernel has taken it. */
export function sendMessage(socket: Datagram, bytes: Uint8Array, to?: Datagram['local']): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send({ bytes, to }, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** A UDP socket of somebody else's, bound to this machine. */
export function plainUdp(family: 'ipv4' | 'ipv6' = 'ipv4'): Socket {
  const made = Socket.socket(family === 'ipv4' ? 'AF_INET' : 'AF_INET6', 'SOCK_DGRAM');
  made.bind({ family, host: family === 'ipv4' ? '127.0.0.1' : '::1', port: 0 });
  return made;
}

export function whereIsPlain(socket: Socket): SocketAddress {
  const address = socket.localAddress();
  if (address.family !== 'ipv4' && address.family !== 'ipv6' && address.family !== 'unix')
    throw new Error(`an address of ${address.family}`);
  return address;
}
