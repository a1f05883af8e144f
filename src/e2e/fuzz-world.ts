/** A few sockets of many kinds, arguments for their calls by number, and an account of all that came of them. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import * as posix from '../doors/posix.ts';
import type { SocketAddress } from '../doors/posix.ts';
import { NO_BYTES, NO_INTEGER, NOTHING_USEFUL, resizedView } from '../testing/node/bad-values.ts';

const { constants: c, Descriptor, ReceivedMessage, Socket, UNSPECIFIED } = posix;

/** What getters of ours throw, and signals of ours give as their reason. */
export const OWN: Error = new Error('the fuzz itself');
const GUARD = 16;
const GUARD_BYTE = 0xee;
/** No more sockets than this are kept. */
const MAX_SOCKETS = 24;

const LOOPBACK: SocketAddress = { family: 'ipv4', host: '127.0.0.1', port: 0 };
const BAD: readonly unknown[] = [...NOTHING_USEFUL, ...NO_INTEGER, ...NO_BYTES].map(([, value]) => value);
const LENGTHS = [0, 1, 3, 100, 4096, 4097, 70_000] as const;
const SIZES = [0, 1, 10, 1000, 65_536, 5_000_000, -1, 2 ** 31, 1.5, '1'] as const;
const COUNTS = [0, 1, 2, 64, 1024, 1025, -1] as const;
const TIMES = [0, 0.5, 1, 2, -1, NaN, '1'] as const;
const FLAGS = [
  0,
  c.MSG_PEEK,
  c.MSG_TRUNC,
  c.MSG_CTRUNC,
  c.MSG_OOB,
  c.MSG_WAITALL,
  c.MSG_ERRQUEUE,
  c.MSG_EOR,
  c.MSG_MORE,
  c.MSG_DONTROUTE,
  -1,
  2 ** 31,
] as const;
const LEVELS = [
  'SOL_SOCKET',
  'IPPROTO_IP',
  'IPPROTO_IPV6',
  'IPPROTO_TCP',
  'IPPROTO_UDP',
  'SOL',
  0,
  270,
] as const;
/** All but SO_LINGER, with which closing may take seconds. */
const OPTIONS = [
  'SO_TYPE',
  'SO_RCVBUF',
  'SO_SNDBUF',
  'SO_KEEPALIVE',
  'SO_PASSCRED',
  'SO_PASSPIDFD',
  'SO_TIMESTAMP',
  'SO_PEERPIDFD',
  'SO_PEERCRED',
  'SO_PEERGROUPS',
  'SO_PEEK_OFF',
  'SO_ERROR',
  'SO_ATTACH_FILTER',
  'SO_GET_FILTER',
  'SO_BINDTODEVICE',
  'IP_PKTINFO',
  'IP_RECVERR',
  'IP_OPTIONS',
  'IPV6_RECVPKTINFO',
  'IPV6_RTHDR',
  'TCP_NODELAY',
  'TCP_INFO',
  'TCP_CONGESTION',
  'UDP_SEGMENT',
  'UDP_GRO',
  'toString',
  999,
] as const;

function pick<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T;
}

/** Sockets of every kind that needs no rights. */
function makeSockets(): posix.Socket[] {
  const made = (['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET'] as const).flatMap((type) =>
    Socket.pair('AF_UNIX', type),
  );
  const bound = (family: 'AF_INET' | 'AF_UNIX', type: 'SOCK_DGRAM' | 'SOCK_STREAM'): posix.Socket => {
    const socket = Socket.socket(family, type);
    socket.bind(family === 'AF_INET' ? LOOPBACK : { family: 'unix', path: '' });
    return socket;
  };
  const [one, two, named] = [
    bound('AF_INET', 'SOCK_DGRAM'),
    bound('AF_INET', 'SOCK_DGRAM'),
    bound('AF_UNIX', 'SOCK_DGRAM'),
  ];
  one.connect(two.localAddress());
  const listening = bound('AF_INET', 'SOCK_STREAM');
  listening.listen();
  const client = Socket.socket('AF_INET', 'SOCK_STREAM');
  client.connect(listening.localAddress(), { timeout: 5000 });
  const fresh = [Socket.socket('AF_INET6', 'SOCK_STREAM'), Socket.socket('AF_NETLINK', 'SOCK_RAW')];
  return [...made, one, two, named, listening, client, ...fresh];
}

export class FuzzWorld {
  readonly sockets: posix.Socket[] = makeSockets();
  readonly #addresses: readonly SocketAddress[] = this.sockets.map((socket) => socket.localAddress());
  readonly #owned: Disposable[] = [];
  readonly #numbers: number[] = [];
  readonly #guarded: { readonly whole: Uint8Array; readonly length: number }[] = [];
  readonly #waits: Promise<unknown>[] = [];
  readonly #controller = new AbortController();
  /** What calls have thrown, or their promises rejected with. */
  readonly errors: unknown[] = [];
  answers = 0;

  /** Makers of arguments, by kind: the same number makes the same argument. */
  readonly kinds = {
    bad: (n: number): unknown => pick(BAD, n),
    bytes: (n: number): unknown => this.#bytes(n),
    size: (n: number): unknown => pick(SIZES, n),
    count: (n: number): unknown => pick(COUNTS, n),
    time: (n: number): unknown => pick(TIMES, n),
    flags: (n: number): unknown => pick(FLAGS, n),
    options: (n: number): unknown => this.#options(n),
    address: (n: number): unknown => this.#address(n),
    message: (n: number): unknown => this.#message(n),
    messages: (n: number): unknown =>
      Array.from({ length: [0, 1, 2, 45][n % 4] ?? 0 }, (_, i) => this.#message(n + i)),
    room: (n: number): unknown => ({
      ...(n % 2 === 0 ? { size: pick(SIZES, n >> 1) } : {}),
      ...(n % 3 === 0 ? { controlSize: pick(SIZES, n >> 2) } : {}),
      ...(n % 5 === 0 ? { count: pick(COUNTS, n >> 3) } : {}),
    }),
    level: (n: number): unknown => pick(LEVELS, n),
    name: (n: number): unknown => pick(OPTIONS, n),
    value: (n: number): unknown =>
      pick([true, false, 0, 1, -1, 'lo', 'cubic', [], { onoff: 0, linger: 0 }], n),
    how: (n: number): unknown => pick(['read', 'write', 'both', 'none'], n),
    items: (n: number): unknown =>
      Array.from({ length: n % 4 }, (_, i) => ({
        on: this.#socket(n + i),
        events: pick([1, 4, 0x7fff, -1], n),
      })),
    family: (n: number): unknown => pick(['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK', 'AF_NONE', 255], n),
    type: (n: number): unknown => pick(['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET', 'SOCK_RAW', 0, 99], n),
    /** Never one that is somebody's: it could be taken away. */
    fd: (n: number): unknown => pick([-1, 1 << 20, 1.5, '3', this.#socket(n)], n),
    host: (n: number): unknown => pick(['127.0.0.1', '::1', 'localhost', '1.2.3', '', null, 'a\0b'], n),
    word: (n: number): unknown => pick(['http', 'tcp', 'lo', '', '\0', 'nosuch', 'x'.repeat(5000)], n),
    integer: (n: number): unknown => pick([0, 1, 6, 80, 65_535, 65_536, -1, 2 ** 32], n),
  } as const;

  #socket(n: number): posix.Socket {
    return pick(this.sockets, n);
  }

  #bytes(n: number): unknown {
    const length = pick(LENGTHS, n >> 3);
    if (n % 8 === 0) return pick(BAD, n >> 3);
    if (n % 8 === 1) return new Uint8Array(new SharedArrayBuffer(length));
    if (n % 8 === 2) return resizedView(n % 64, 0);
    if (n % 8 === 3) return Buffer.from(new Uint8Array(length));
    const whole = new Uint8Array(length + 2 * GUARD).fill(GUARD_BYTE);
    this.#guarded.push({ whole, length });
    return whole.subarray(GUARD, GUARD + length);
  }

  #options(n: number): unknown {
    const flags = pick(FLAGS, n >> 3);
    const { signal } = this.#controller;
    const closing = (): number => {
      this.#socket(n >> 3).close();
      return 0;
    };
    const thrower = {
      get flags(): never {
        throw OWN;
      },
    };
    const closer = {
      get flags(): number {
        return closing();
      },
    };
    return [
      { flags },
      { flags, timeout: pick(TIMES, n >> 3) },
      { flags, signal },
      {},
      undefined,
      thrower,
      closer,
      pick(BAD, n >> 3),
    ][n % 8];
  }

  #address(n: number): unknown {
    if (n % 2 === 0) return pick(this.#addresses, n >> 1);
    const odd: readonly unknown[] = [
      UNSPECIFIED,
      { family: 'other', number: n % 50, bytes: new Uint8Array(n % 127) },
      { family: 'unix', path: `\0fuzz-${String(process.pid)}-${String(n)}` },
      { family: 'unix', path: 'x'.repeat(200) },
      { family: 'ipv6', host: '::1', port: 9, scope: '1' },
      { family: 'ipv4', host: '127.0.0.1', port: '80' },
      { family: 'netlink', port: 0, groups: 0 },
      { family: 'vsock', port: 1, cid: 1 },
      { family: 'packet', protocol: 3, interface: 1 },
      pick(BAD, n >> 1),
    ];
    return pick(odd, n >> 1);
  }

  #control(n: number): unknown {
    const bytes = new Uint8Array(n % 40);
    const all: readonly unknown[] = [
      {
        level: 'SOL_SOCKET',
        type: 'SCM_RIGHTS',
        data: Array.from({ length: n % 5 }, (_, i) => this.#socket(n + i)),
      },
      { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [-1, 99_999] },
      { level: 'SOL_SOCKET', type: 'SCM_CREDENTIALS', data: { pid: process.pid, uid: 0, gid: 0 } },
      { level: c.SOL_SOCKET, type: c.SCM_RIGHTS, data: bytes.fill(255) },
      { level: c.SOL_SOCKET, type: n % 100, data: bytes },
      { level: 'IPPROTO_IP', type: 'IP_TTL', data: n % 300 },
      { level: n % 300, type: n % 64, data: bytes },
      pick(BAD, n),
    ];
    return pick(all, n);
  }

  #message(n: number): unknown {
    if (n % 16 === 15) return pick(BAD, n >> 4);
    return {
      data: n % 4 === 0 ? [this.#bytes(n), this.#bytes(n + 1)] : this.#bytes(n),
      ...(n % 3 === 0 ? { control: Array.from({ length: n % 4 }, (_, i) => this.#control(n + 7 * i)) } : {}),
      ...(n % 7 === 0 ? { address: this.#address(n) } : {}),
    };
  }

  /** Makes a call, and keeps what came of it: errors, waits, descriptors. */
  attempt(call: () => unknown): void {
    try {
      this.#keep(call());
    } catch (error) {
      this.errors.push(error);
    }
  }

  #keep(answer: unknown): void {
    this.answers++;
    if (answer instanceof Promise) {
      const kept = answer.then((value) => {
        this.#keep(value);
      });
      this.#waits.push(kept.catch((error: unknown) => this.errors.push(error)));
    } else if (answer instanceof Socket) {
      if (this.sockets.length < MAX_SOCKETS) this.sockets.push(answer);
      else answer.close();
    } else if (answer instanceof Descriptor || answer instanceof ReceivedMessage) {
      this.#owned.push(answer);
    } else if (Array.isArray(answer)) {
      for (const each of answer) this.#keep(each);
    } else if (typeof answer === 'object' && answer !== null && 'socket' in answer) {
      this.#keep(answer.socket);
    }
  }

  /** What `detach` has answered is to be closed. */
  keepNumber(fd: unknown): void {
    if (typeof fd === 'number') this.#numbers.push(fd);
  }

  /** Closes everything, waits for all that waits, and looks at the memory around the bytes that were given. */
  async end(): Promise<void> {
    for (const socket of this.sockets) socket.close();
    await Promise.all(this.#waits);
    for (const socket of this.sockets) socket.close();
    for (const each of this.#owned) each[Symbol.dispose]();
    for (const fd of this.#numbers) closeSync(fd);
    for (const { whole, length } of this.#guarded) {
      const around = [whole.subarray(0, GUARD), whole.subarray(GUARD + length)];
      assert.ok(
        around.every((bytes) => bytes.every((byte) => byte === GUARD_BYTE)),
        'memory outside of a view was written',
      );
    }
  }
}
