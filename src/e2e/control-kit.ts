/** What seeing control messages at work needs in many places. */
import assert from 'node:assert/strict';
import type { ControlMessage } from '../posix/control-messages.ts';
import type { ReceivedMessage } from '../posix/message.ts';
import { Socket } from '../posix/socket.ts';
import type { PythonAgent } from './python-agent.ts';

/** Sees one message at work, and throws if it is not as it should be. */
export interface Special {
  readonly run: (agent: PythonAgent) => Promise<void> | void;
  readonly needsRoot?: boolean;
}

export const XYZ: Uint8Array = new Uint8Array(Buffer.from('xyz'));
const ints = (...values: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

/** Sets an option to ints, to 1 unless told otherwise. */
export function enable(socket: Socket, level: number, name: number, ...values: readonly number[]): void {
  socket.setRaw(level, name, ints(...(values.length === 0 ? [1] : values)));
}

type Named = Exclude<ControlMessage['type'], number>;

type DataOf<T extends Named> = Extract<ControlMessage, { readonly type: T }>['data'];

/** The value of the one message of a type that came. */
export function dataOf<T extends Named>(message: ReceivedMessage, type: T): DataOf<T> {
  const found = message.control.filter((each) => each.type === type);
  const came = message.control.map((each) => each.type).join();
  assert.equal(found.length, 1, `${type} among ${came}`);
  return found[0]?.data as DataOf<T>;
}

/** The local port of an IP socket. */
export function portOf(socket: Socket): number {
  const address = socket.localAddress();
  assert.ok(address.family === 'ipv4' || address.family === 'ipv6');
  return address.port;
}

/** Two sockets that are closed together. */
export class Pair {
  readonly socket: Socket;
  readonly peer: Socket;

  constructor(socket: Socket, peer: Socket) {
    this.socket = socket;
    this.peer = peer;
  }

  [Symbol.dispose](): void {
    this.socket.close();
    this.peer.close();
  }
}

/** Two UDP sockets of this machine, the first connected to the second. */
export function udpPair(family: 'ipv4' | 'ipv6' = 'ipv4'): Pair {
  const [name, host] =
    family === 'ipv4' ? (['AF_INET', '127.0.0.1'] as const) : (['AF_INET6', '::1'] as const);
  const pair = new Pair(Socket.socket(name, 'SOCK_DGRAM'), Socket.socket(name, 'SOCK_DGRAM'));
  pair.peer.bind({ family, host, port: 0 });
  pair.socket.connect(pair.peer.localAddress());
  return pair;
}

/** Two ends of a TCP connection. */
export function tcpPair(): Pair {
  using listener = Socket.socket('AF_INET', 'SOCK_STREAM');
  listener.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  listener.listen(1);
  const client = Socket.socket('AF_INET', 'SOCK_STREAM');
  client.connect(listener.localAddress(), { timeout: 10_000 });
  return new Pair(client, listener.accept({ timeout: 10_000 }).socket);
}
