/**
 * Calls on sockets as data, so that two programs can make the same ones: Portside and CPython. A socket has a name, whose
 * first letter says which side's it is; what a call answers is in a form that both have.
 */
import { loadNative } from '../addon/load.ts';
import type { ConstantName } from '../addon/constant-names.ts';
import { SystemError } from '../base/errors.ts';
import type { InterfaceRef, SocketAddress } from '../posix/address.ts';
import type { ControlInput } from '../posix/control-messages.ts';
import type { ReceivedMessage } from '../posix/message.ts';
import { Socket } from '../posix/socket.ts';
import { isCloseOnExec } from './descriptor-flags.ts';

const { constants } = loadNative();

/** `[family, host, port, …]`; of Unix the name in hexadecimal digits. `null`: none. */
export type PlainAddress = readonly [family: string, ...parts: readonly (string | number)[]] | null;

/** `[op, socket, …arguments]`. Addresses may be `@name`: where that socket is bound. */
export type Step = readonly [op: string, socket: string, ...args: readonly unknown[]];

/** What a call answers: a value, `ok`, `would block`, or the errno's name. */
export type Answer = unknown;

/** Whoever makes calls. */
export interface Side {
  perform(step: Step): Promise<Answer>;
  close(): Promise<void>;
}

const WAIT = { timeout: 10_000 } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: unknown): Uint8Array => new Uint8Array(Buffer.from(String(text), 'hex'));
const pathBytes = (path: string | Uint8Array): Uint8Array =>
  typeof path === 'string' ? encoder.encode(path) : path;

/** An address in the form that both have. */
export function toPlain(address: SocketAddress | null): PlainAddress {
  if (address === null) return null;
  switch (address.family) {
    case 'ipv4':
      return ['ipv4', address.host, address.port];
    case 'ipv6':
      return ['ipv6', address.host, address.port, address.flowInfo ?? 0, Number(address.scope ?? 0)];
    case 'unix':
      return ['unix', hex(pathBytes(address.path))];
    case 'netlink':
      return ['netlink', address.groups, address.port];
    case 'vsock':
      return ['vsock', address.cid, address.port];
    case 'packet':
      return ['packet', Number(address.interface), address.protocol, address.packetType ?? 0];
    default:
      throw new Error(`no plain form of ${address.family}`);
  }
}

/** The address that such a form means. */
function fromPlain(plain: PlainAddress): SocketAddress {
  const [family, first, second] = plain ?? ['', 0, 0];
  const number = Number(second);
  if (family === 'ipv4' || family === 'ipv6') return { family, host: String(first), port: number };
  if (family === 'unix') return { family, path: unhex(first) };
  if (family === 'netlink') return { family, groups: Number(first), port: number };
  if (family === 'vsock') return { family, cid: Number(first), port: number };
  return { family: 'packet', interface: first as InterfaceRef, protocol: number };
}

/** Of what is told of a message, what both tell. */
const TOLD = constants.MSG_TRUNC | constants.MSG_CTRUNC | constants.MSG_EOR | constants.MSG_ERRQUEUE;

type Plain = (data: never) => unknown;

/** Control messages in the form that both have. */
const PLAIN_CONTROL: Readonly<Record<string, Plain>> = {
  IP_PKTINFO: ({ interface: index, source, destination }: Record<string, unknown>) => [
    index,
    source,
    destination,
  ],
  IPV6_PKTINFO: ({ address, interface: index }: Record<string, unknown>) => [address, index],
  SCM_CREDENTIALS: ({ uid, gid }: Record<string, unknown>) => [uid, gid],
  SO_TIMESTAMP: ({ sec }: { sec: number }) => Math.abs(sec - Date.now() / 1000) < 60,
  SO_TIMESTAMPNS: ({ sec }: { sec: number }) => Math.abs(sec - Date.now() / 1000) < 60,
};

function plainMessage(message: ReceivedMessage): Answer {
  using received = message;
  const control = received.control.map(({ type, data }) => {
    if (type === 'SCM_RIGHTS') return [type, received.descriptors.map(({ fd }) => isCloseOnExec(fd))];
    const plain = PLAIN_CONTROL[String(type)] as ((data: unknown) => unknown) | undefined;
    return [type, plain === undefined ? data : plain(data)];
  });
  const address = toPlain(received.address);
  return [decoder.decode(received.data), control, received.flags & TOLD, address];
}

const flagsOf = (names = ''): number =>
  (names === '' ? [] : names.split(' '))
    .map((name) => constants[name as ConstantName])
    .reduce((all, each) => all | each, 0);

/** Portside's side. */
export class OurSide implements Side {
  readonly #sockets = new Map<string, Socket>();

  perform([op, name, ...args]: Step): Promise<Answer> {
    return Promise.resolve(this.#judge(op, name, args));
  }

  close(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.close();
    return Promise.resolve();
  }

  #judge(op: string, name: string, args: readonly unknown[]): Answer {
    try {
      const answer = this.#call(op, name, args);
      return answer === undefined ? 'ok' : (answer ?? 'would block');
    } catch (error) {
      if (error instanceof SystemError) return error.code;
      throw error;
    }
  }

  #call(op: string, name: string, args: readonly unknown[]): Answer {
    if (op === 'socket') {
      this.#keep(name, Socket.socket(...(args as Parameters<typeof Socket.socket>)));
      return undefined;
    }
    if (op === 'accept' || op === 'tryAccept') return this.#accept(op, name, String(args[0]));
    const call = CALLS[op];
    if (call === undefined) throw new Error(`no call ${op}`);
    return call(this.#get(name), ...(args as never[]));
  }

  #accept(op: string, name: string, from: string): Answer {
    const accepted = this.#get(from).accept(op === 'accept' ? WAIT : undefined);
    if (accepted === null) return null;
    this.#keep(name, accepted.socket);
    return [toPlain(accepted.address)];
  }

  #keep(name: string, socket: Socket): void {
    this.#sockets.set(name, socket);
  }

  #get(name: string): Socket {
    const socket = this.#sockets.get(name);
    if (socket === undefined) throw new Error(`no socket ${name}`);
    return socket;
  }
}

type Call = (socket: Socket, ...args: never[]) => Answer;
type Control = readonly (readonly [level: string, type: string, hex: string])[];

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : decoder.decode(bytes));
const fill = (data: string | number): Uint8Array =>
  typeof data === 'number' ? new Uint8Array(data).fill(0x78) : encoder.encode(data);

/** The descriptor that is sent where a case sends one: this process's input. */
const SENT = [0, 0];

function controlOf(control: Control): ControlInput[] {
  return control.map(([level, type, data]) => {
    const value = type === 'SCM_RIGHTS' ? SENT : unhex(data);
    return { level, type, data: value } as ControlInput;
  });
}

const CALLS: Readonly<Record<string, Call>> = {
  bind: (s, address: PlainAddress) => {
    s.bind(fromPlain(address));
  },
  listen: (s, backlog: number) => {
    s.listen(backlog);
  },
  connect: (s, address: PlainAddress) => void s.connect(fromPlain(address), WAIT),
  tryConnect: (s, address: PlainAddress) => s.connect(fromPlain(address)),
  send: (s, data: string | number, flags?: string) => s.send(fill(data), { ...WAIT, flags: flagsOf(flags) }),
  sendTo: (s, data: string | number, address: PlainAddress) => s.sendTo(fill(data), fromPlain(address), WAIT),
  recv: (s, size: number, flags?: string) => text(s.recv(size, { ...WAIT, flags: flagsOf(flags) })),
  tryRecv: (s, size: number, flags?: string) => text(s.recv(size, { flags: flagsOf(flags) })),
  recvFrom: (s, size: number) => {
    const { data, address } = s.recvFrom(size, WAIT);
    return [decoder.decode(data), toPlain(address)];
  },
  sendMsg: (s, data: readonly string[], control: Control, address?: PlainAddress) => {
    const to = address === undefined ? {} : { address: fromPlain(address) };
    return s.sendMsg({ data: data.map(fill), control: controlOf(control), ...to }, WAIT);
  },
  recvMsg: (s, size: number, controlSize: number, flags?: string) =>
    plainMessage(s.recvMsg({ size, controlSize }, { ...WAIT, flags: flagsOf(flags) })),
  shutdown: (s, how: 'read' | 'write' | 'both') => {
    s.shutdown(how);
  },
  local: (s) => [toPlain(s.localAddress())],
  remote: (s) => [toPlain(s.remoteAddress())],
  get: (s, level: ConstantName, name: ConstantName) => {
    const value = s.getRaw(level, name, 4);
    return new DataView(value.buffer).getInt32(0, true);
  },
  getBytes: (s, level: ConstantName, name: ConstantName, size: number) => hex(s.getRaw(level, name, size)),
  set: (s, level: ConstantName, name: ConstantName, value: number) => {
    s.setRaw(level, name, new Uint8Array(Int32Array.of(value).buffer));
  },
  setBytes: (s, level: ConstantName, name: ConstantName, value: string) => {
    s.setRaw(level, name, unhex(value));
  },
  close: (s) => {
    s.close();
  },
};
