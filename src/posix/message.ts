/** Messages: what goes out with one call, and what comes in. */
import type { SocketAddress } from './address.ts';
import type { ControlInput, ControlMessage } from './control-messages.ts';
import { Descriptor } from './descriptor.ts';

/** What `sendMsg` and `sendMany` send. */
export interface OutgoingMessage {
  /** The bytes, in one piece or in several that are sent as one. Default: none. */
  readonly data?: Uint8Array | readonly Uint8Array[];
  /** Control messages that go with them. */
  readonly control?: readonly ControlInput[];
  /** Whom they are for. Default: whom the socket is connected to. */
  readonly address?: SocketAddress;
}

/** What `recvMsg` has room for. */
export interface MessageRoom {
  /** The most bytes of data. Default 65536. What a datagram has beyond it is lost, and `truncated` tells. */
  readonly size?: number;
  /**
   * Bytes for control messages. By default enough for all that a socket of this family can be told to add, and for as
   * many descriptors as can come at once; 0 takes none, and descriptors that come are closed by the system.
   */
  readonly controlSize?: number;
}

/** What `recvMany` has room for: `count` messages, each as in `MessageRoom`. */
export interface BatchRoom extends MessageRoom {
  /** The most messages. Default 64; never more than fit 4 MiB together. */
  readonly count?: number;
}

interface MessageParts {
  readonly data: Uint8Array;
  readonly length: number;
  readonly address: SocketAddress | null;
  readonly control: readonly ControlMessage[];
  readonly flags: number;
}

/** The flags that have properties of their own. */
export interface MessageFlags {
  readonly truncated: boolean;
  readonly controlTruncated: boolean;
  readonly endOfRecord: boolean;
  readonly errorQueue: boolean;
}

/** A message that has come. Descriptors that came with it are the receiver's: to use, to detach, or to close. */
export class ReceivedMessage {
  /** The bytes, which are the receiver's own. */
  readonly data: Uint8Array;
  /** How many there were: more than in `data` if a datagram was cut. */
  readonly length: number;
  /** Whom it is from; `null` if the system tells none. */
  readonly address: SocketAddress | null;
  readonly control: readonly ControlMessage[];
  /** `msg_flags`: `MSG_…` numbers, or'ed. */
  readonly flags: number;
  /** `MSG_TRUNC`: there was no room for all of the datagram. */
  readonly truncated: boolean;
  /** `MSG_CTRUNC`: there was no room for all control messages. Of descriptors the first ones came; the rest is closed. */
  readonly controlTruncated: boolean;
  /** `MSG_EOR`: the last part of a record. */
  readonly endOfRecord: boolean;
  /** `MSG_ERRQUEUE`: it tells of an error; `data` is what was sent then. */
  readonly errorQueue: boolean;

  constructor(parts: MessageParts, flags: MessageFlags) {
    this.data = parts.data;
    this.length = parts.length;
    this.address = parts.address;
    this.control = parts.control;
    this.flags = parts.flags;
    this.truncated = flags.truncated;
    this.controlTruncated = flags.controlTruncated;
    this.endOfRecord = flags.endOfRecord;
    this.errorQueue = flags.errorQueue;
  }

  /** Descriptors that came with it, in their order. */
  get descriptors(): readonly Descriptor[] {
    return this.control.flatMap(({ data }) => {
      if (data instanceof Descriptor) return [data];
      if (!Array.isArray(data)) return [];
      return data.filter((each): each is Descriptor => each instanceof Descriptor);
    });
  }

  /** Closes the descriptors that came with it, but for those that were detached. */
  [Symbol.dispose](): void {
    for (const descriptor of this.descriptors) descriptor.close();
  }
}
