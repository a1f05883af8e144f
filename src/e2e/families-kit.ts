/** What the tests of families share: what this machine has is asked of the system once, and never guessed. */
import type { TestContext } from 'node:test';
import { SystemError } from '../base/errors.ts';
import type { InternetAddress } from '../posix/address.ts';
import { Socket } from '../posix/socket.ts';

type Kind = Parameters<typeof Socket.socket>;

/** What a kind of socket that a machine lacks, or does not allow, is refused with. */
const LACKING: readonly string[] = [
  'EACCES',
  'EAFNOSUPPORT',
  'ENODEV',
  'EPERM',
  'EPROTONOSUPPORT',
  'ESOCKTNOSUPPORT',
];

/** Why there are no sockets of a kind here, or `false` if there are. */
export function whyNo(...kind: Kind): string | false {
  try {
    Socket.socket(...kind).close();
    return false;
  } catch (error) {
    if (error instanceof SystemError && LACKING.includes(error.code))
      return `${kind.join(' ')}: ${error.code}`;
    throw error;
  }
}

/** No test waits longer for what happens at once on one machine, in milliseconds. */
export const WAIT = { timeout: 10_000 } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (data: Uint8Array): string => decoder.decode(data);

/** The two families of IP, and their loopback addresses. */
export const INTERNET: readonly (readonly ['AF_INET' | 'AF_INET6', InternetAddress])[] = [
  ['AF_INET', { family: 'ipv4', host: '127.0.0.1', port: 0 }],
  ['AF_INET6', { family: 'ipv6', host: '::1', port: 0 }],
];

/** Two ends of a connection, of any family that has connections; the listener is closed by now. */
export function connected(
  t: TestContext,
  kind: Kind,
  bind: (listener: Socket) => void,
): readonly [client: Socket, server: Socket] {
  using listener = Socket.socket(...kind);
  bind(listener);
  listener.listen();
  const client = Socket.socket(...kind);
  t.after(() => {
    client.close();
  });
  client.connect(listener.localAddress(), WAIT);
  const { socket: server } = listener.accept(WAIT);
  t.after(() => {
    server.close();
  });
  return [client, server];
}

/** The checksum of IP, UDP and ICMP. @see RFC 1071 */
export function checksum(data: Uint8Array): number {
  let sum = 0;
  for (const [i, byte] of data.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An echo request of ICMP, or of ICMPv6, whose checksum the system fills in. */
export function echoRequest(type: number, id: number, sequence: number, text: string): Uint8Array {
  const payload = bytes(text);
  const packet = new Uint8Array(8 + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = type;
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  packet.set(payload, 8);
  return packet;
}

/** Fills in the checksum that stands at `offset`. */
export function withChecksum(packet: Uint8Array, offset: number): Uint8Array {
  new DataView(packet.buffer, packet.byteOffset).setUint16(offset, checksum(packet));
  return packet;
}
