/** Hands messages to the native side: the usual ones with a few numbers, the others through the scratch. */
import type { IpEndpoint, SocketAddress } from '../base/address.ts';
import { ipv4Bits } from '../base/address.ts';
import { isBytes, lengthOfBytes } from '../base/bytes.ts';
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import type { OutgoingDatagram } from '../base/provider.ts';
import { validateMessage } from '../base/validate-datagram.ts';
import { HOW, writeEnvelope } from './envelope.ts';
import type { Reactor } from './reactor.ts';

export interface SenderKind {
  readonly transport: 'udp' | 'unix';
  readonly isConnected: boolean;
  /** Asked for only when something fails. */
  details(): ErrorDetails;
}

const isPort = (port: unknown): port is number =>
  typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65535;

/** An empty one may be that of a buffer that is gone: the rules know. */
const hasBytes = (bytes: unknown): bytes is Uint8Array => isBytes(bytes) && lengthOfBytes(bytes) > 0;

export class MessageSender {
  readonly #reactor: Reactor;
  readonly #handle: number;
  readonly #kind: SenderKind;
  /** Bytes of the message that was submitted last. */
  length = 0;
  #to: SocketAddress | undefined;
  /** The IPv4 address that was parsed last. */
  #host = '';
  #bits = -1;
  /** The peer that was copied last: messages to one peer share it. */
  #peer: IpEndpoint = { family: 'ipv4', host: '', port: 0 };

  constructor(reactor: Reactor, handle: number, kind: SenderKind) {
    this.#reactor = reactor;
    this.#handle = handle;
    this.#kind = kind;
  }

  /** Judges messages, and copies all of them but their bytes. @throws {TypeError | RangeError} */
  judge(messages: readonly unknown[]): OutgoingDatagram[] {
    const judged: OutgoingDatagram[] = [];
    const { length } = messages;
    for (let i = 0; i < length; i++) {
      const message = messages[i];
      judged.push(this.#copyPlain(message) ?? validateMessage(message, this.#kind));
    }
    return judged;
  }

  /** The usual message, without the table of rules; `undefined` for all others, and for what is none. */
  #copyPlain(message: unknown): OutgoingDatagram | undefined {
    if (typeof message !== 'object' || message === null) return undefined;
    const { bytes, to, from, interfaceIndex, ttl, trafficClass } = message as Partial<OutgoingDatagram>;
    const isPlain =
      from === undefined && interfaceIndex === undefined && ttl === undefined && trafficClass === undefined;
    if (!isPlain || !hasBytes(bytes) || this.#kind.transport === 'unix') return undefined;
    if (this.#kind.isConnected) return to === undefined ? { bytes } : undefined;
    const peer = this.#copyPeer(to);
    return peer === undefined ? undefined : { bytes, to: peer };
  }

  #copyPeer(to: unknown): IpEndpoint | undefined {
    if (typeof to !== 'object' || to === null) return undefined;
    const { family, host, port } = to as Partial<IpEndpoint>;
    if (family !== 'ipv4' || typeof host !== 'string' || !isPort(port)) return undefined;
    const bits = host === this.#host ? this.#bits : this.#parse(host);
    if (bits < 0) return undefined;
    if (host !== this.#peer.host || port !== this.#peer.port) this.#peer = { family, host, port };
    return this.#peer;
  }

  /**
   * Hands a message over.
   *
   * @returns what all that is unsent now counts as, or a negative errno: it was not taken
   * @throws {TypeError | RangeError} it is no message for this socket
   */
  submit(message: OutgoingDatagram): number {
    if (typeof message !== 'object' || (message as unknown) === null) return this.#submitAny(message);
    const { bytes, to, from, interfaceIndex, ttl, trafficClass } = message;
    const isPlain =
      from === undefined && interfaceIndex === undefined && ttl === undefined && trafficClass === undefined;
    if (!isPlain) return this.#submitAny({ bytes, to, from, interfaceIndex, ttl, trafficClass });
    return this.#submitPlain(bytes, to);
  }

  #submitPlain(bytes: Uint8Array, to: SocketAddress | undefined): number {
    const { transport, isConnected } = this.#kind;
    if (isConnected && to === undefined) return this.#call(bytes, HOW.connected, 0, 0);
    if (transport === 'unix' || isConnected || to?.family !== 'ipv4') return this.#submitAny({ bytes, to });
    const { host, port } = to;
    const bits = host === this.#host ? this.#bits : this.#parse(host);
    if (bits < 0 || !isPort(port)) return this.#submitAny({ bytes, to: { family: 'ipv4', host, port } });
    this.#to = to;
    return this.#call(bytes, HOW.ipv4, bits, port);
  }

  /** The error of the message that was submitted last, and refused. */
  failure(errno: number): SocketError {
    const details = this.#kind.details();
    const remote = this.#to ?? details.remote;
    return this.#reactor.names.error(errno, 'sendmsg', { ...details, remote });
  }

  #parse(host: unknown): number {
    if (typeof host !== 'string') return -1;
    this.#bits = ipv4Bits(host);
    this.#host = host;
    return this.#bits;
  }

  #submitAny(message: unknown): number {
    const valid = validateMessage(message, this.#kind);
    writeEnvelope(this.#reactor.native.scratch, valid, (name) =>
      this.#reactor.interfaceIndex(name, this.#kind.details()),
    );
    this.#to = valid.to;
    return this.#call(valid.bytes, HOW.scratch, 0, 0);
  }

  #call(bytes: Uint8Array, how: number, host: number, port: number): number {
    const { native } = this.#reactor;
    let unsent: number;
    try {
      unsent = native.send(this.#handle, bytes, how, host, port);
    } catch (error) {
      // The native side takes no shared memory, which another thread may change while it is read: a copy goes.
      if (!(error instanceof TypeError) || !isBytes(bytes) || lengthOfBytes(bytes) === 0) throw error;
      unsent = native.send(this.#handle, new Uint8Array(bytes), how, host, port);
    }
    this.length = lengthOfBytes(bytes);
    return unsent;
  }
}
