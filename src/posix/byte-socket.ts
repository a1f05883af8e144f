/** Sockets that move bytes. */
import { requireBytes } from '../base/bytes.ts';
import type { SocketAddress } from './address.ts';
import type { AsyncOptions, BlockingOptions, CallOptions } from './arguments.ts';
import { byteCount, flagsOf, ROOM, roomCount, sendFlagsOf, timeoutOf } from './arguments.ts';
import * as calls from './byte-operations.ts';
import type { ReceivedFrom } from './byte-operations.ts';
import { SocketCore } from './socket-core.ts';

/** Bytes that `recv` and `recvFrom` have room for unless they are told otherwise: any datagram of IP. */
const DEFAULT_SIZE = 65536;

/** The part of `Socket` that sends and receives bytes, without control messages. */
export abstract class ByteSocket extends SocketCore {
  /**
   * Sends bytes to the peer. The caller may use their memory again when this returns.
   *
   * @returns how many went out, which on a stream may be less than all
   * @throws {SystemError} EPIPE, ECONNRESET, ENOTCONN, EDESTADDRREQ, EMSGSIZE …
   * @see send(2)
   */
  send(data: Uint8Array, options: BlockingOptions): number;
  send(data: Uint8Array, options?: CallOptions): number | null;
  send(data: Uint8Array, options?: CallOptions): number | null {
    const state = this.state;
    const flags = sendFlagsOf(options);
    const timeout = timeoutOf(options);
    if (timeout !== undefined) return this.run(calls.sendOperation(state, data, flags), { timeout });
    const result = calls.sendOnce(state, requireBytes(data), flags);
    return result >= 0 ? result : this.refused(calls.SEND, result);
  }

  /** `send`, until anything went out. Bytes that have to wait are copied: their memory may be used again at once. */
  async sendAsync(data: Uint8Array, options?: AsyncOptions): Promise<number> {
    const flags = sendFlagsOf(options);
    return this.runAsync(calls.sendOperation(this.state, data, flags, true), options);
  }

  /**
   * Receives bytes.
   *
   * @param size the most to receive; what a datagram has beyond it is lost (`recvFrom` and `recvMsg` tell)
   * @returns bytes of the caller's own; none at the end of a stream, or of an empty datagram. With `MSG_TRUNC` TCP throws
   *   the bytes away: zeros are answered, as many as they were
   * @throws {SystemError} ECONNRESET, ENOTCONN, ECONNREFUSED (an earlier datagram was refused) …
   * @see recv(2)
   */
  recv(size: number | undefined, options: BlockingOptions): Uint8Array;
  recv(size?: number, options?: CallOptions): Uint8Array | null;
  recv(size: number = DEFAULT_SIZE, options?: CallOptions): Uint8Array | null {
    const state = this.state;
    const flags = flagsOf(options) | state.space.recvFlags;
    const room = byteCount(size, 'size');
    // A small message on the hot path needs no object but its own.
    const timeout = timeoutOf(options);
    if (timeout !== undefined) return this.run(calls.recvOperation(state, room, flags), { timeout });
    if (room > ROOM) return this.run(calls.recvOperation(state, room, flags), undefined);
    const result = state.space.native.recv(state.id, room, flags);
    return result >= 0 ? calls.takeData(state, result, room, flags) : this.refused(calls.RECV, result);
  }

  async recvAsync(size: number = DEFAULT_SIZE, options?: AsyncOptions): Promise<Uint8Array> {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.runAsync(calls.recvOperation(this.state, byteCount(size, 'size'), flags), options);
  }

  /**
   * Receives into memory of the caller's, which makes no object at all.
   *
   * @returns how many bytes came; with `MSG_TRUNC` a datagram's own length, which may be more than `target` has
   * @see recv(2)
   */
  recvInto(target: Uint8Array, options: BlockingOptions): number;
  recvInto(target: Uint8Array, options?: CallOptions): number | null;
  recvInto(target: Uint8Array, options?: CallOptions): number | null {
    const state = this.state;
    const flags = flagsOf(options) | state.space.recvFlags;
    const timeout = timeoutOf(options);
    if (timeout !== undefined) return this.run(calls.recvIntoOperation(state, target, flags), { timeout });
    const result = calls.recvIntoOnce(state, requireBytes(target), flags);
    return result >= 0 ? result : this.refused(calls.RECV_INTO, result);
  }

  async recvIntoAsync(target: Uint8Array, options?: AsyncOptions): Promise<number> {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.runAsync(calls.recvIntoOperation(this.state, target, flags), options);
  }

  /**
   * Sends bytes to an address.
   *
   * @throws {SystemError} EMSGSIZE, EISCONN, ENETUNREACH, ECONNREFUSED (a Unix socket that is gone) …
   * @see sendto(2)
   */
  sendTo(data: Uint8Array, address: SocketAddress, options: BlockingOptions): number;
  sendTo(data: Uint8Array, address: SocketAddress, options?: CallOptions): number | null;
  sendTo(data: Uint8Array, address: SocketAddress, options?: CallOptions): number | null {
    const flags = sendFlagsOf(options);
    return this.run(calls.sendToOperation(this.state, data, address, flags), options);
  }

  async sendToAsync(data: Uint8Array, address: SocketAddress, options?: AsyncOptions): Promise<number> {
    const flags = sendFlagsOf(options);
    return this.runAsync(calls.sendToOperation(this.state, data, address, flags, true), options);
  }

  /**
   * Receives bytes, and tells whom they are from and whether there were more of them.
   *
   * @param size the most to receive, up to some 4 MiB
   * @see recvfrom(2)
   */
  recvFrom(size: number | undefined, options: BlockingOptions): ReceivedFrom;
  recvFrom(size?: number, options?: CallOptions): ReceivedFrom | null;
  recvFrom(size: number = DEFAULT_SIZE, options?: CallOptions): ReceivedFrom | null {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.run(calls.recvFromOperation(this.state, roomCount(size, 'size'), flags), options);
  }

  async recvFromAsync(size: number = DEFAULT_SIZE, options?: AsyncOptions): Promise<ReceivedFrom> {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.runAsync(calls.recvFromOperation(this.state, roomCount(size, 'size'), flags), options);
  }
}
