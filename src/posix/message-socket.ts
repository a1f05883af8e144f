/** Sockets that move messages. */
import type { AsyncOptions, BlockingOptions, CallOptions } from './arguments.ts';
import { flagsOf, sendFlagsOf } from './arguments.ts';
import { ByteSocket } from './byte-socket.ts';
import type { BatchRoom, MessageRoom, OutgoingMessage, ReceivedMessage } from './message.ts';
import * as calls from './message-operations.ts';

/** The part of `Socket` that sends and receives messages with control data. */
export abstract class MessageSocket extends ByteSocket {
  /**
   * Sends bytes with control messages.
   *
   * On a stream it may send less than all. The control messages have gone with the first byte then: send the rest
   * without them, or descriptors arrive twice.
   *
   * @returns how many bytes went out
   * @throws {SystemError} EMSGSIZE, EINVAL (a control message that the socket does not take), EPERM, EPIPE …
   * @see sendmsg(2), cmsg(3)
   * @example
   * socket.sendMsg({ data, control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [file.fd] }] });
   */
  sendMsg(message: OutgoingMessage, options: BlockingOptions): number;
  sendMsg(message: OutgoingMessage, options?: CallOptions): number | null;
  sendMsg(message: OutgoingMessage, options?: CallOptions): number | null {
    const flags = sendFlagsOf(options);
    return this.run(calls.sendMsgOperation(this.state, message, flags), options);
  }

  /** `sendMsg`, until anything went out. The message is read when it goes: leave it alone until this settles. */
  async sendMsgAsync(message: OutgoingMessage, options?: AsyncOptions): Promise<number> {
    const flags = sendFlagsOf(options);
    return this.runAsync(calls.sendMsgOperation(this.state, message, flags), options);
  }

  /**
   * Sends several messages with one system call, at most 1024, and no more than 4 MiB together. Not on a stream, which
   * keeps no messages apart: part of one may go out there, and nothing would tell how much.
   *
   * @returns how many of them went out, from the front. If the first cannot be sent, that is an error; what keeps a later
   *   one from being sent is told when it is the first.
   * @throws {UnsupportedError} it is a stream: use `sendMsg`
   * @see sendmmsg(2)
   */
  sendMany(messages: readonly OutgoingMessage[], options: BlockingOptions): number;
  sendMany(messages: readonly OutgoingMessage[], options?: CallOptions): number | null;
  sendMany(messages: readonly OutgoingMessage[], options?: CallOptions): number | null {
    const flags = sendFlagsOf(options);
    return this.run(calls.sendManyOperation(this.state, messages, flags), options);
  }

  /** `sendMany`, until any of them went out. */
  async sendManyAsync(messages: readonly OutgoingMessage[], options?: AsyncOptions): Promise<number> {
    const flags = sendFlagsOf(options);
    return this.runAsync(calls.sendManyOperation(this.state, messages, flags), options);
  }

  /**
   * Receives a message: its bytes, whom it is from, and the control messages that came with it. Descriptors among these
   * are close-on-exec, and the receiver's to close; `using message = …` closes those that were not detached.
   *
   * @see recvmsg(2), cmsg(3)
   */
  recvMsg(room: MessageRoom | undefined, options: BlockingOptions): ReceivedMessage;
  recvMsg(room?: MessageRoom, options?: CallOptions): ReceivedMessage | null;
  recvMsg(room: MessageRoom = {}, options?: CallOptions): ReceivedMessage | null {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.run(calls.recvMsgOperation(this.state, room, flags), options);
  }

  async recvMsgAsync(room: MessageRoom = {}, options?: AsyncOptions): Promise<ReceivedMessage> {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.runAsync(calls.recvMsgOperation(this.state, room, flags), options);
  }

  /**
   * Receives what is there, up to `count` messages, with one system call. It does not wait for more once there is one.
   * Not on a stream.
   *
   * @returns at least one message. At the end of a `SOCK_SEQPACKET` connection the last one is empty
   * @throws {UnsupportedError} it is a stream: use `recv` or `recvMsg`
   * @see recvmmsg(2)
   */
  recvMany(room: BatchRoom | undefined, options: BlockingOptions): ReceivedMessage[];
  recvMany(room?: BatchRoom, options?: CallOptions): ReceivedMessage[] | null;
  recvMany(room: BatchRoom = {}, options?: CallOptions): ReceivedMessage[] | null {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.run(calls.recvManyOperation(this.state, room, flags), options);
  }

  async recvManyAsync(room: BatchRoom = {}, options?: AsyncOptions): Promise<ReceivedMessage[]> {
    const flags = flagsOf(options) | this.state.space.recvFlags;
    return this.runAsync(calls.recvManyOperation(this.state, room, flags), options);
  }
}
