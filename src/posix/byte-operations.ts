/** Calls that move bytes, and no control data. */
import { SLAB } from '../addon/native-sockets.ts';
import { copyBytes, lengthOfBytes, requireBytes } from '../base/bytes.ts';
import type { SocketAddress } from './address.ts';
import { ROOM } from './arguments.ts';
import { readSockaddr, writeSockaddr } from './sockaddr.ts';
import type { CallRow, Operation, SocketState } from './waiting.ts';
import { wouldBlock } from './waiting.ts';

/**
 * Up to this length bytes are copied through the slab, which costs less than to hand a typed array to the native module
 * (docs/design/0008). Longer ones are worth it.
 */
const COPIED = 4096;

export const SEND: CallRow = { op: 'send', syscall: 'send', direction: 'write' };
export const SEND_TO: CallRow = { op: 'sendTo', syscall: 'sendto', direction: 'write' };
export const RECV: CallRow = { op: 'recv', syscall: 'recv', direction: 'read' };
export const RECV_INTO: CallRow = { op: 'recvInto', syscall: 'recv', direction: 'read' };
export const RECV_FROM: CallRow = { op: 'recvFrom', syscall: 'recvfrom', direction: 'read' };

/** A datagram, and whom it is from. */
export interface ReceivedFrom {
  readonly data: Uint8Array;
  /** `null` if the system tells none: on a connected stream, or from an unnamed Unix socket. */
  readonly address: SocketAddress | null;
  /** The datagram's own length, which is more than that of `data` if there was no room for all of it. */
  readonly length: number;
  readonly truncated: boolean;
}

/** Whether memory may be handed to the native module as it is. */
function isPlain(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > 0;
}

/** One attempt. `bytes` have been judged. */
export function sendOnce({ space, id }: SocketState, bytes: Uint8Array, flags: number): number {
  const length = lengthOfBytes(bytes);
  const { native, slab } = space;
  if (length > COPIED && isPlain(bytes)) return native.sendBytes(id, bytes, flags);
  if (length <= ROOM) {
    slab.set(bytes, SLAB.data);
    return native.send(id, length, flags);
  }
  // Memory that is shared with another thread is copied first, so that what is judged is what is sent.
  return native.sendBytes(id, new Uint8Array(bytes), flags);
}

/** One attempt. `bytes` have been judged. Memory that is shared with another thread is written by this one. */
export function recvIntoOnce(state: SocketState, bytes: Uint8Array, flags: number): number {
  const length = lengthOfBytes(bytes);
  const { space, id } = state;
  const { native } = space;
  if (length > COPIED && isPlain(bytes)) return native.recvBytes(id, bytes, flags);
  const apart = length > ROOM ? new Uint8Array(length) : undefined;
  const got = apart === undefined ? native.recv(id, length, flags) : native.recvBytes(id, apart, flags);
  // With MSG_TRUNC the answer may be more than there was room for.
  const came = Math.min(got, length);
  if (came > 0 && !throwsAway(state, flags))
    copyBytes(apart?.subarray(0, came) ?? space.received(came), bytes);
  return got;
}

/** Whether the system only counts what it receives: with MSG_TRUNC TCP throws bytes away, and writes none. @see tcp(7) */
export function throwsAway({ family, type, space }: SocketState, flags: number): boolean {
  const { AF_INET, AF_INET6, MSG_TRUNC, SOCK_STREAM } = space.module.constants;
  return (flags & MSG_TRUNC) !== 0 && type === SOCK_STREAM && (family === AF_INET || family === AF_INET6);
}

/** What `got` bytes of the slab are, as the caller's own. */
export function takeData(state: SocketState, got: number, size: number, flags: number): Uint8Array {
  const came = Math.min(got, size);
  return throwsAway(state, flags) ? new Uint8Array(came) : new Uint8Array(state.space.received(came));
}

export function recvOperation(state: SocketState, size: number, flags: number): Operation<Uint8Array> {
  const { native } = state.space;
  if (size <= ROOM) {
    return {
      call: RECV,
      attempt: () => native.recv(state.id, size, flags),
      finish: (got) => takeData(state, got, size, flags),
    };
  }
  const bytes = new Uint8Array(size);
  return {
    call: RECV,
    attempt: () => native.recvBytes(state.id, bytes, flags),
    finish: (got) => (got >= size ? bytes : bytes.slice(0, got)),
  };
}

export function recvIntoOperation(state: SocketState, bytes: Uint8Array, flags: number): Operation<number> {
  const length = lengthOfBytes(requireBytes(bytes));
  return {
    call: RECV_INTO,
    attempt: () => {
      // Of a target that has shrunk meanwhile, nothing received would look like an end.
      if (lengthOfBytes(requireBytes(bytes)) < length)
        throw new TypeError('bytes: expected memory that keeps its size while it is waited for');
      return recvIntoOnce(state, bytes, flags);
    },
    finish: (got) => got,
  };
}

/** Bytes that may have to wait while the program goes on: copied before it does, so that it may use the memory again. */
function bytesOnce(
  state: SocketState,
  bytes: Uint8Array,
  isAsync: boolean,
): { current(): Uint8Array; keep(result: number): number } {
  let kept: Uint8Array | undefined;
  return {
    current: () => kept ?? requireBytes(bytes),
    keep: (result) => {
      if (isAsync && wouldBlock(state, result)) kept ??= new Uint8Array(bytes);
      return result;
    },
  };
}

export function sendOperation(
  state: SocketState,
  bytes: Uint8Array,
  flags: number,
  isAsync = false,
): Operation<number> {
  const data = bytesOnce(state, bytes, isAsync);
  return {
    call: SEND,
    attempt: () => data.keep(sendOnce(state, data.current(), flags)),
    finish: (sent) => sent,
  };
}

/** The address of a call that may be tried several times: it is read with the first attempt, and then no more. */
export function nameOnce(
  state: SocketState,
  address: SocketAddress,
): { place(): number; keep(result: number): number } {
  const { slab, codecs } = state.space;
  let kept: Uint8Array | undefined;
  let length = 0;
  return {
    place: () => {
      if (kept === undefined) length = writeSockaddr(slab, SLAB.name, address, codecs);
      else slab.set(kept, SLAB.name);
      return length;
    },
    keep: (result) => {
      if (result < 0) kept ??= slab.slice(SLAB.name, SLAB.name + length);
      return result;
    },
  };
}

export function sendToOperation(
  state: SocketState,
  bytes: Uint8Array,
  address: SocketAddress,
  flags: number,
  isAsync = false,
): Operation<number> {
  const { native, slab, module } = state.space;
  const name = nameOnce(state, address);
  const data = bytesOnce(state, bytes, isAsync);
  return {
    call: SEND_TO,
    attempt: () => {
      // The address is read first: its getters may change the bytes.
      const nameLength = name.place();
      const current = data.current();
      const length = lengthOfBytes(current);
      if (length > ROOM) return -module.errorNumbers.EMSGSIZE;
      slab.set(current, SLAB.data);
      return data.keep(name.keep(native.sendTo(state.id, length, flags, nameLength)));
    },
    finish: (sent) => sent,
  };
}

export function recvFromOperation(state: SocketState, size: number, flags: number): Operation<ReceivedFrom> {
  const { native, slab, words, module } = state.space;
  // A stream would take MSG_TRUNC to mean that the bytes are to be thrown away.
  const isStream = state.type === module.constants.SOCK_STREAM;
  const allFlags = isStream ? flags : flags | module.constants.MSG_TRUNC;
  return {
    call: RECV_FROM,
    attempt: () => native.recvFrom(state.id, size, allFlags),
    finish: (got) => {
      const address = readSockaddr(slab, SLAB.name, words[0] ?? 0);
      const data = takeData(state, got, size, flags);
      return { data, address, length: got, truncated: got > size };
    },
  };
}
