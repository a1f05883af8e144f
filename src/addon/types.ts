/**
 * The shape of the native module. It checks every argument before any system call: a wrong type throws a `TypeError`, a
 * number out of range a `RangeError`. What the system refuses is not thrown but answered, as a negative errno.
 */

import type { ConstantName, ErrnoName, ResolveErrorName } from './constant-names.ts';
import type { NativeNameFunctions } from './native-names.ts';
import type { NativeSockets, ReadyHandler } from './native-sockets.ts';

/** Kinds of events. An event is four words of `NativeReactor.events`: kind, slot, a, b. */
export const EVENT = {
  /** a: offset in the slab, b: length. Valid until the batch has been handled. */
  dataView: 1,
  /** a: index among the batch's buffers, b: length. */
  dataOwned: 2,
  /** The peer's FIN. */
  end: 3,
  /** a: errno. Nothing more can be read. */
  readFailed: 4,
  /** a: bytes still unsent. */
  written: 5,
  /** a: errno, b: bytes that were unsent, and are dropped. Nothing more can be written. */
  writeFailed: 6,
  /** a: errno, 0 for success. */
  connected: 7,
  /** a: the new socket's slot, b: its generation. */
  accepted: 8,
  /** a: errno. Accepting has stopped. */
  acceptFailed: 9,
  /** a: errno, 0 if all was sent, b: bytes that were not. The handle is gone. */
  closed: 10,
  /** Follows `accepted`, for the new slot, where the peer's address is IPv4. a: the address's bits, b: the port. */
  peer: 11,
  /** a: offset in the slab of the first record (`RECORD` in src/engine), b: how many there are. */
  datagramView: 12,
  /** The same; each record has the index of its buffer among the batch's, -1 if there was no memory for one. */
  datagramOwned: 13,
  /** a: offset of a record, which tells whom, how much and why, b: the message's number, counted from 0 and cut to 32 bits. */
  sendFailed: 14,
  /** a: bytes still unsent, b: messages still unsent. */
  queued: 15,
  /** The same; only `retrySending` will find out whether there is room. */
  stuck: 16,
  /** a: offset of a record, b: errno. The network reports that a datagram did not arrive. */
  reported: 17,
  /** a: errno. Receiving has stopped. */
  receiveFailed: 18,
} as const;

/** The most events of one batch or flush. */
export const EVENT_CAPACITY = 1024;

/** System calls into which `NativeReactor.fault` can put errors. */
export const CALL = {
  socket: 0,
  bind: 1,
  connect: 2,
  listen: 3,
  accept: 4,
  recv: 5,
  send: 6,
  shutdown: 7,
  getsockopt: 8,
  setsockopt: 9,
  close: 10,
  recvmsg: 11,
  sendmsg: 12,
} as const;
export type CallName = keyof typeof CALL;

/** Address families as the native module numbers them. */
export const FAMILY = { unix: 1, ipv4: 4, ipv6: 6 } as const;

/** A handle is `generation * 2 ** SLOT_BITS + slot`, and is never used twice. */
export const SLOT_COUNT: number = 2 ** 20;

/** Most microseconds of busy polling: everything else in the process waits as long. */
export const MAX_BUSY_POLL: number = 1000;

/** Takes a batch of events: their number, and the buffers that `dataOwned` refers to. */
export type BatchHandler = (count: number, ...buffers: ArrayBuffer[]) => void;

export interface NativeReactor {
  /** Written by `flush`, and before each batch. */
  readonly events: Int32Array;
  /** Where the address calls leave what they find: family, port (two bytes, big-endian), scope (four), the address. */
  readonly scratch: Uint8Array;
  /** Sockets that are open. */
  live(): number;
  /** A new view of what `dataView` events point into. */
  slab(): Uint8Array;
  /** @returns a handle, or a negative errno. The descriptor is close-on-exec and non-blocking. */
  socket(family: number, type: number, protocol: number): number;
  bind(handle: number, family: number, address: Uint8Array, port: number, scope: number): number;
  /** @returns 0 if connected, `-EINPROGRESS` if `connected` follows. */
  connect(handle: number, family: number, address: Uint8Array, port: number, scope: number): number;
  listen(handle: number, backlog: number): number;
  /**
   * Takes a stream socket that there is already, or, if it is lent, a duplicate of it. @returns a handle, or a negative
   * errno; the descriptor is then its owner's still
   */
  adopt(fd: number, isLent: boolean): number;
  startReading(handle: number, size: number, owned: boolean): number;
  /**
   * Makes a socket of datagrams or of sequenced packets one that `startReceiving` and `send` work on.
   *
   * @param wantsIcmp whether `reported` is to tell what the network says
   */
  openMessages(handle: number, wantsIcmp: boolean): number;
  /** @param meta bits for what is to be told of each message: 1 local address, 2 TTL, 4 traffic class, 8 timestamp */
  startReceiving(handle: number, size: number, owned: boolean, meta: number): number;
  /**
   * Takes one message.
   *
   * @param how 0: to the peer; 4: to the IPv4 address `host`, an unsigned number, and `port`; 1: as the scratch says
   * @returns what all that is unsent now counts as, `MESSAGE_OVERHEAD` for each message and its bytes, or a negative errno:
   *   it is not taken, and not counted
   */
  send(handle: number, bytes: Uint8Array, how: number, host: number, port: number): number;
  /** Tries again what is `stuck`. */
  retrySending(handle: number): number;
  /** Joins or leaves the group that the scratch tells of. */
  membership(handle: number, joins: boolean, interfaceIndex: number): number;
  /** Messages dropped because nobody read them in time. */
  drops(handle: number): number;
  startAccepting(handle: number): number;
  /** Ends reading or accepting. */
  stop(handle: number): number;
  /** Takes all of `bytes`. @returns the bytes that are unsent now. */
  write(handle: number, bytes: Uint8Array): number;
  /** The bytes that are unsent; of a socket of messages what those that are unsent count as. */
  pending(handle: number): number;
  /**
   * Sends what was gathered. @returns the number of `written` (blocked) and `writeFailed` events that it stored; if that
   * is `EVENT_CAPACITY`, more come with the next call.
   */
  flush(): number;
  shutWrite(handle: number): number;
  /** @returns 0 if closed, 1 if `closed` follows. */
  close(handle: number): number;
  abort(handle: number): number;
  setOption(handle: number, level: number, name: number, value: number): number;
  /** @returns the value, or a negative errno. */
  getOption(handle: number, level: number, name: number): number;
  /** @returns how many bytes of `scratch` are the address, or a negative errno. */
  localAddress(handle: number): number;
  remoteAddress(handle: number): number;
  /** Whether the open socket keeps the process alive. */
  reference(handle: number, on: boolean): number;
  /** The descriptor, lent. */
  descriptor(handle: number): number;
  /** Gives the descriptor up: it is the caller's, and the handle is gone. @returns it, or a negative errno (`EBUSY`: bytes are unsent) */
  detach(handle: number): number;
  /**
   * Lets the caller read from, write to and close the descriptor of a connection: the reactor never will again. Options and
   * addresses can still be asked for; the handle must be closed before the descriptor is, and if it is aborted, that close is
   * a reset. @returns 0, or a negative errno (`EBUSY`: bytes are unsent; `EPERM`: the connection was only lent to the reactor)
   */
  handOver(handle: number): number;
  /** Closes every socket now. Further calls throw. */
  dispose(): void;
  /** Most bytes of one recv and of one send; 0 for no limit. Only of a reactor made `withFaults`. */
  limit(read: number, write: number): void;
  /**
   * After `skip` calls the next `times` fail with `errno`; 0 times clears all. Only of a reactor made `withFaults`. An
   * `EAGAIN` for `recv` or `send` stalls the socket: the system, which knows better, will not tell of it again.
   */
  fault(call: number, errno: number, skip: number, times: number): void;
}

export interface NativeModule extends NativeNameFunctions {
  readonly constants: Readonly<Record<ConstantName, number>>;
  readonly errorNumbers: Readonly<Record<ErrnoName, number>>;
  readonly resolveErrors: Readonly<Record<ResolveErrorName, number>>;
  /** The C library's own words for an errno. @see strerror(3) */
  errorText(errno: number): string;
  /** The C library's own words for an `EAI_` number. @see gai_strerror(3) */
  resolveErrorText(code: number): string;
  /** Bytes of the longest path of a Unix socket. */
  readonly maxUnixPath: number;
  /** Its functions are bound to it and need no `this`. @returns a negative errno if the system has no descriptor left */
  createReactor(
    onBatch: BatchHandler,
    usePoll: boolean,
    withFaults: boolean,
    busyPoll: number,
    keepsMemory: boolean,
  ): NativeReactor | number;
  /** Its functions are bound to it and need no `this`. @returns a negative errno if the system has no descriptor left */
  createSockets(onReady: ReadyHandler, usePoll: boolean): NativeSockets | number;
  /**
   * Whether the system would follow an address of memory inside of the option's value: then it is neither set nor read as
   * bytes.
   */
  valueHoldsAddress(level: number, name: number): boolean;
  /** What a control message's header takes (CMSG_LEN(0)), and what it is aligned to. */
  readonly controlHeader: number;
  readonly controlAlignment: number;
}
